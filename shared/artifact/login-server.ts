import { AppError } from '../error/app-error.js';

/** The host, and the port if it is not the scheme's own, of a registry: `team.azurecr.io`, `127.0.0.1:5000`. */
export type LoginServer = string & { readonly __brand: 'LoginServer' };

const HOST =
  /^(?=.{1,253}(?::|$))(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*(?::\d{1,5})?$/;

/** Parses a login server strictly: lower case, no scheme, no path. Throws `INVALID_LOGIN_SERVER`. */
export function parseLoginServer(text: string): LoginServer {
  const port = text.split(':')[1];
  if (!HOST.test(text) || (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))) {
    throw new AppError('INVALID_LOGIN_SERVER', `not a registry host: ${JSON.stringify(text.slice(0, 80))}`);
  }
  return text as LoginServer;
}
