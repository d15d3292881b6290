import { parseLoginServer } from '../../artifact/login-server.js';
import { parseRepository } from '../../artifact/repository.js';
import { AppError } from '../../error/app-error.js';

/** Where a vulnerability database is read from. */
export type DatabaseSource =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'oci'; readonly registry: string; readonly repository: string; readonly reference: string };

/** Parses `directory:PATH` or `host/repository:tag` or `…@sha256:…`. Throws `SETTINGS_INVALID`. */
export function parseDatabaseSource(text: string): DatabaseSource {
  if (text.startsWith('directory:')) return { kind: 'directory', path: text.slice('directory:'.length) };
  const match = /^([^/]+)\/([^:@]+)(?::([\w.-]{1,128})|@(sha256:[0-9a-f]{64}))$/.exec(text);
  try {
    const [, host = '', repository = '', tag, digest] = match ?? [];
    return {
      kind: 'oci',
      registry: parseLoginServer(host),
      repository: parseRepository(repository),
      reference: digest ?? tag ?? '',
    };
  } catch (cause) {
    const message = 'a database is host/repository:tag, host/repository@sha256:… or directory:PATH';
    throw new AppError('SETTINGS_INVALID', message, { cause });
  }
}
