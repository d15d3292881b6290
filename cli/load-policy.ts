import { setTimeout as sleep } from 'node:timers/promises';
import { type LoadedPolicy, loadPolicy } from '../shared/config/load-policy.js';
import { createCredential } from '../shared/connect.js';
import { createKeyReader } from '../shared/key-vault/read-key.js';
import { createHttp } from '../shared/net/http.js';

/** Reads a policy as the app does, and its keys in a Key Vault, if it names any, as whoever is signed in (`az login`). */
export function loadPolicyHere(file: string): Promise<LoadedPolicy> {
  const readVaultKey = (url: string) => {
    const credential = createCredential({ identity: { kind: 'developer', clientId: undefined } });
    return createKeyReader({ http: createHttp({ fetch, sleep }), credential })(url);
  };
  return loadPolicy(file, { readVaultKey });
}
