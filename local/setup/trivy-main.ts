import { packageRoot } from '../environment.js';
import { getTrivyHere } from './trivy.js';

// Run by the set-up before the tests: finds or gets Trivy and says where it is.
getTrivyHere(packageRoot(), (line) => process.stderr.write(`trivy: ${line}\n`)).then(
  (path) => process.stderr.write(`trivy: ${path}\n`),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  },
);
