import { packageRoot } from '../environment.js';
import { runCommand } from './command.js';

// `npm run fuzz -- --seconds N`: mutates signatures at every layer, and looks whether the verifier bears it.

process.exitCode = await runCommand(process.argv.slice(2), {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  root: packageRoot(),
});
