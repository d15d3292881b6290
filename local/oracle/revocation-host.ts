import { createServer } from 'node:http';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { serve } from '../web/node-adapter.js';

/** Where the certificates of the fixtures say that their authorities can be asked. */
export const REVOCATION_PORT = 28_787;
export const REVOCATION_ORIGIN = `http://127.0.0.1:${REVOCATION_PORT}`;
/** The answers' directory beside the cases: one file for each path. */
export const REVOCATION_FOLDER = join('trust', 'revocation');

const TYPES: Readonly<Record<string, string>> = {
  crl: 'application/pkix-crl',
  ocsp: 'application/ocsp-response',
};

/** Answers as the fixtures' authorities would: the same file for whatever is asked at its path. Returns how to end it. */
export async function hostRevocation(answers: ReadonlyMap<string, Uint8Array>): Promise<() => void> {
  const server = createServer(
    serve(({ url }) => {
      const name = new URL(url).pathname.split('/')[1] ?? '';
      const answer = answers.get(name);
      if (answer === undefined) return Promise.resolve(new Response(null, { status: 404 }));
      const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
      return Promise.resolve(new Response(Buffer.from(answer), { headers: { 'content-type': type } }));
    }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(REVOCATION_PORT, '127.0.0.1', resolve);
  });
  return () => {
    server.closeAllConnections();
    server.close();
  };
}

/** The answers of a directory of fixtures. */
export async function readRevocation(fixtures: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const directory = join(fixtures, REVOCATION_FOLDER);
  const names = await readdir(directory).catch(() => []);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name))] as const)));
}
