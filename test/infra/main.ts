// `npm run test:infra`: the infrastructure alone, against the schema-only providers; with `--real-providers` against those of
// the registry, from the network or from a mirror that Terraform's own settings name (TF_CLI_CONFIG_FILE). Ends with 0 only
// where all of it has passed.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const [option, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (option !== undefined && option !== '--real-providers')) {
  process.stderr.write('usage: npm run test:infra [-- --real-providers]\n');
  process.exit(4);
}
const { status } = spawnSync(
  process.execPath,
  [join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'), 'run', 'test/infra'],
  {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...process.env,
      LAZARET_INFRA_REQUIRED: '1',
      LAZARET_REAL_PROVIDERS: option === undefined ? '' : '1',
    },
  },
);
process.exit(status ?? 1);
