import { BlockList, isIP } from 'node:net';

/** What is not on the public internet, or leads around it. https://www.iana.org/assignments/iana-ipv4-special-registry */
const REFUSED_4 = blockList('ipv4', [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // Metadata services among them.
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  // Multicast, reserved, broadcast.
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Azure's platform, from inside of any network of it.
  '168.63.129.16/32',
]);
/** Everything but this is local, multicast, mapped, translated or unassigned. RFC 4291 §2.4. */
const GLOBAL_6 = blockList('ipv6', ['2000::/3']);
/** Within it: protocols, Teredo, documentation, 6to4. https://www.iana.org/assignments/iana-ipv6-special-registry */
const REFUSED_6 = blockList('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);

function blockList(family: 'ipv4' | 'ipv6', ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** Whether an address is one of the public internet. What is no address at all is none. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !REFUSED_4.check(address, 'ipv4');
  // With a zone it is of one network.
  if (family !== 6 || address.includes('%')) return false;
  return GLOBAL_6.check(address, 'ipv6') && !REFUSED_6.check(address, 'ipv6');
}
