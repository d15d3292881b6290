import { createHash } from 'node:crypto';
import { toDer } from '../../../shared/signature/timestamp/ber.js';
import { type DerNode, readDer } from '../document/der.js';
import { type Leaves, UNREADABLE } from './leaves.js';

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/**
 * Of a time-stamp token, or of a response that holds one: its parts as RFC 5652 §5.1 and RFC 3161 §2.4.2 name them, so that those
 * that nobody signs can be told from the others. Sets have no order.
 */
export function tokenLeaves(bytes: Buffer, path: string, leaves: Leaves): void {
  const outer = readDer(normalize(bytes));
  const isResponse = outer?.children[0]?.tag === 0x30;
  const token = isResponse ? outer.children[1] : outer;
  const signedData = token?.children[1]?.children[0];
  const fields = signedData?.children ?? [];
  const [version, digests, content, ...rest] = fields;
  const signer = rest.at(-1);
  if (version === undefined || digests === undefined || content === undefined || signer === undefined) {
    leaves.set(path, `${UNREADABLE}${hash(bytes)}`);
    return;
  }
  const set = (name: string, node: DerNode | undefined) => {
    if (node !== undefined) leaves.set(`${path}.${name}`, node.whole.toString('hex'));
  };
  if (isResponse) set('response.status', outer.children[0]);
  if (isResponse && outer.children.length !== 2) leaves.set(`${path}.response.more`, hash(outer.whole));
  set('contentType', token?.children[0]);
  if (token?.children.length !== 2) leaves.set(`${path}.more`, hash(bytes));
  set('version', version);
  set('digestAlgorithms', digests);
  set('content', content);
  for (const [index, field] of rest.slice(0, -1).entries()) {
    if (field.tag === 0xa0) {
      for (const each of field.children) leaves.set(`${path}.certificates.${hash(each.whole)}`, 'there');
      if (field.children.length === 0) leaves.set(`${path}.certificates`, hash(field.whole));
    } else if (field.tag === 0xa1) set('revocationLists', field);
    else set(`field${index}`, field);
  }
  signer.children.forEach((each, index) => takeSigner(each, `${path}.signer${index}`, leaves));
  if (signer.children.length === 0) set('signers', signer);
}

function takeSigner(signer: DerNode, path: string, leaves: Leaves): void {
  const names = ['version', 'id', 'digestAlgorithm', 'attributes', 'signatureAlgorithm', 'signature'];
  signer.children.forEach((field, index) => {
    if (field.tag === 0xa1) leaves.set(`${path}.unsignedAttributes`, hash(field.whole));
    else if (field.tag === 0xa0)
      leaves.set(
        `${path}.attributes`,
        field.children
          .map((each) => hash(each.whole))
          .sort()
          .join(' '),
      );
    else if (names[index] === 'signature' && field.tag === 0x04)
      leaves.set(`${path}.signature`, `h'${field.content.toString('hex')}'`);
    else leaves.set(`${path}.${names[index] ?? index}`, field.whole.toString('hex'));
  });
}

function normalize(bytes: Buffer): Buffer {
  try {
    return toDer(bytes);
  } catch {
    return bytes;
  }
}
