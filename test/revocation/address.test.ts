import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from '../../shared/revocation/address.js';

const toNumber = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const toAddress = (number: number) => [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');

describe('a public address', () => {
  it.each(['8.8.8.8', '1.1.1.1', '20.42.73.8', '172.15.255.255', '172.32.0.0', '100.63.255.255', '2606:4700::1111'])(
    'is %s',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each([
    ['this network', '0.0.0.0', '0.255.255.255'],
    ['a private one', '10.0.0.0', '10.255.255.255'],
    ['a private one', '172.16.0.0', '172.31.255.255'],
    ['a private one', '192.168.0.0', '192.168.255.255'],
    ['one of a carrier', '100.64.0.0', '100.127.255.255'],
    ['this machine', '127.0.0.0', '127.255.255.255'],
    ['a link', '169.254.0.0', '169.254.255.255'],
    ['protocols', '192.0.0.0', '192.0.0.255'],
    ['examples', '192.0.2.0', '192.0.2.255'],
    ['examples', '198.51.100.0', '198.51.100.255'],
    ['examples', '203.0.113.0', '203.0.113.255'],
    ['relays', '192.88.99.0', '192.88.99.255'],
    ['benchmarks', '198.18.0.0', '198.19.255.255'],
    ['many', '224.0.0.0', '239.255.255.255'],
    ['nobody', '240.0.0.0', '255.255.255.255'],
    ['the platform', '168.63.129.16', '168.63.129.16'],
  ])('is none of %s, from %s to %s, nor as mapped, translated or tunnelled', (_, from, to) => {
    fc.assert(
      fc.property(fc.integer({ min: toNumber(from), max: toNumber(to) }), (number) => {
        const address = toAddress(number);
        const hex = number.toString(16).padStart(8, '0');
        const [high, low] = [hex.slice(0, 4), hex.slice(4)];
        const written = [address, `::ffff:${address}`, `::${address}`, `64:ff9b::${address}`, `2002:${high}:${low}::1`];
        return written.every((each) => !isPublicAddress(each));
      }),
    );
  });

  it('is, of the new kind, one in the global range alone', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }), (groups) => {
        const global = groups[0]! >> 13 === 1;
        const address = groups.map((group) => group.toString(16)).join(':');
        return global || !isPublicAddress(address);
      }),
    );
  });

  it.each([
    '::',
    '::1',
    'fe80::1',
    'fe80::1%eth0',
    '2606:4700::1111%eth0',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '2001::1',
    '2001:db8::1',
    '3fff::1',
    '::ffff:8.8.8.8',
    '',
    'example.test',
    '8.8.8',
    '0x7f.1',
    '017700000001',
    '8.8.8.8.',
    ' 8.8.8.8',
  ])('is not %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});
