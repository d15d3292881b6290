import { readFile } from 'node:fs/promises';
import { parseLoginServer } from '../../shared/artifact/login-server.js';
import { parseRepository } from '../../shared/artifact/repository.js';
import { type TrustPlace, readRequirement } from './image.js';
import { collector, judge } from './ours.js';
import { parsePeakMemory } from './processor.js';
import { digestFrom } from './registry.js';

// One verification in a process of its own, so that its peak of memory is that verification's and nobody else's.

/** What it is asked, as JSON in its only argument. */
export interface HostileQuestion {
  readonly host: string;
  readonly repository: string;
  readonly digest: string;
  readonly trust: TrustPlace;
}

/** What it tells. */
export interface HostileAnswer {
  readonly outcome: string;
  readonly code: string;
  /** Signature manifests that were kept. */
  readonly candidates: number;
  readonly milliseconds: number;
  /** The most memory that the process has had, in bytes. */
  readonly peak: number;
}

const question = JSON.parse(process.argv[2] ?? '{}') as HostileQuestion;
const key = {
  registry: parseLoginServer(question.host),
  repository: parseRepository(question.repository),
  digest: digestFrom(question.digest),
};
const requirement = await readRequirement(question.trust);
const started = performance.now();
const evidence = await collector({ key, requirement }, 'cold')();
const { outcome, code } = await judge(evidence, requirement);
const answer: HostileAnswer = {
  ...{ outcome, code },
  candidates: evidence.candidates.length,
  milliseconds: performance.now() - started,
  peak: parsePeakMemory(await readFile('/proc/self/status', 'utf8')),
};
process.send?.(answer);
process.disconnect();
