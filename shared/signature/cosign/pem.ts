import { decodeBase64 } from '../encoding/base64.js';

/**
 * DER of the blocks of a PEM text that holds nothing but blocks of this label and white space around them. RFC 7468 §3, its
 * strict form: no headers, no text between, canonical base64. Undefined for everything else, and for a text without a block.
 */
export function readPem(text: string, label: 'CERTIFICATE' | 'PUBLIC KEY'): readonly Uint8Array[] | undefined {
  const [before = '', ...blocks] = text.split(`-----BEGIN ${label}-----`);
  if (before.trim() !== '' || blocks.length === 0) return undefined;
  const all = blocks.flatMap((block) => {
    const [body = '', after = '-', ...more] = block.split(`-----END ${label}-----`);
    if (after.trim() !== '' || more.length > 0) return [];
    try {
      const der = decodeBase64(body.replaceAll(/[\r\n]/g, ''));
      return der.byteLength === 0 ? [] : [der];
    } catch {
      return [];
    }
  });
  return all.length === blocks.length ? all : undefined;
}
