import { describe, expect, it } from 'vitest';
import { hashOf, schemeOf } from '../../../shared/signature/x509/algorithm.js';
import { readDer } from '../../../shared/signature/x509/der.js';

const SHA256 = '0609608648016503040201';
const ECDSA_SHA256 = '06082a8648ce3d040302';
const NULL = '0500';

/** An `AlgorithmIdentifier` of these parts, in hexadecimal. */
function algorithm(...parts: readonly string[]) {
  const content = Buffer.from(parts.join(''), 'hex');
  return readDer(Buffer.concat([Buffer.from([0x30, content.byteLength]), content]));
}

describe('an algorithm', () => {
  it.each([
    ['without parameters', []],
    ['with a NULL', [NULL]],
  ])('is known %s', (_, parameters) => {
    expect(hashOf(algorithm(SHA256, ...parameters))).toBe('sha256');
    expect(schemeOf(algorithm(ECDSA_SHA256, ...parameters))).toMatchObject({ keyType: 'ec', hash: 'sha256' });
  });

  it.each([
    ['a NULL that holds something', '050141'],
    ['a string', '040141'],
    ['a sequence', '3000'],
  ])('is none with %s for its parameters', (_, parameters) => {
    expect(hashOf(algorithm(SHA256, parameters))).toBeUndefined();
    expect(schemeOf(algorithm(ECDSA_SHA256, parameters))).toBeUndefined();
  });

  it('is read to its end', () => {
    expect(() => hashOf(algorithm(SHA256, NULL, NULL))).toThrow();
  });
});
