/** A protobuf field number, in the names of https://protobuf.dev/programming-guides/encoding. */
type Field = number;

/** A base-128 varint. Only what is safe as a number is ever written here. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** A length-delimited field: bytes, text, or an embedded message. */
export function bytesField(field: Field, value: Uint8Array | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.byteLength), bytes]);
}

/** A varint field. Zero is what an absent field means, so it is left out. */
export function numberField(field: Field, value: number | boolean): Buffer {
  const number = Number(value);
  return number === 0 ? Buffer.alloc(0) : Buffer.concat([varint(field * 8), varint(number)]);
}

/** An entry of a map from text to messages. */
export function entryField(field: Field, key: string, message: Uint8Array): Buffer {
  return bytesField(field, Buffer.concat([bytesField(1, key), bytesField(2, message)]));
}
