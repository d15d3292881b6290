import { fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../../local/environment.js';
import { FIXTURES } from '../../local/oracle/case.js';
import { type Artifact, imageOf } from '../../local/sample/image.js';
import { push } from '../../local/sample/push.js';
import type { LoginServer } from '../../shared/artifact/login-server.js';
import { MediaType } from '../../shared/artifact/media-type.js';
import { median, round, say } from '../machine.js';
import { type MakeEnvelope, largest, referrerOf, strangersBundle, strangersJws } from './hostile.js';
import type { HostileAnswer, HostileQuestion } from './hostile-process.js';
import { type TrustPlace, readRequirement } from './image.js';

/** How many signatures of strangers there are: one, many, and twice as many. */
const CROWDS = [1, 1_000, 2_000] as const;
/** Of manifests of 4 MiB fewer are pushed; more than are looked at all the same. */
const LARGE_CROWDS = [1, 150, 300] as const;
/** So many envelopes differ; those that follow are carried by manifests of their own, and fetched again. */
const DIFFERENT = 100;
const PUSHED_AT_ONCE = 8;
const ROUNDS = 3;
/** With twice as many of them, no more memory than this. */
const MAX_RATIO = 1.1;

/** One crowd: middle of the rounds. */
export interface Crowd {
  readonly referrers: number;
  readonly outcome: string;
  readonly code: string;
  readonly candidates: number;
  readonly milliseconds: number;
  /** Peak of the process, in MiB. */
  readonly peak: number;
}

/** What one kind of hostile signature came to. */
export interface Hostility {
  readonly name: string;
  readonly crowds: readonly Crowd[];
  /** Peak with twice as many by peak with many. */
  readonly ratio: number;
  readonly met: boolean;
}

interface Plot {
  readonly name: string;
  readonly repository: string;
  readonly trust: TrustPlace;
  readonly type: string;
  readonly padded: boolean;
  readonly make: MakeEnvelope;
}

/** The memory of one verification where strangers have signed again and again, as largely as they may. */
export async function measureHostility(host: LoginServer): Promise<readonly Hostility[]> {
  const subject = await imageOf([{ path: 'hostile', content: 'signed by everybody' }]);
  const fixture = (...path: readonly string[]) => join(packageRoot(), FIXTURES, ...path);
  const key: TrustPlace = { tool: 'cosign', place: fixture('cosign-bundle-stranger', 'cosign.pub'), scope: '' };
  const config: TrustPlace = {
    tool: 'notation',
    place: fixture('notation-jws-stranger', 'config'),
    scope: 'registry.example/app',
  };
  const hint = (await readRequirement(key)).cosign?.keys[0]?.hint ?? '';
  const bundle = { trust: key, type: MediaType.sigstoreBundle, make: strangersBundle(subject, hint) };
  const jws = { trust: config, type: 'application/jose+json', make: await strangersJws(subject) };
  const plots: readonly Plot[] = [
    { ...jws, name: 'Notation (JWS), envelopes of 1 MiB', repository: 'hostile/jws', padded: false },
    { ...bundle, name: 'Cosign bundles of 1 MiB', repository: 'hostile/bundle', padded: false },
    { ...bundle, name: 'Cosign bundles in manifests of 4 MiB', repository: 'hostile/manifest', padded: true },
  ];
  const results: Hostility[] = [];
  for (const plot of plots) results.push(await measurePlot(plot, subject, host));
  return results;
}

async function measurePlot(plot: Plot, subject: Artifact, host: LoginServer): Promise<Hostility> {
  const { name, trust, make, padded } = plot;
  const crowdSizes = padded ? LARGE_CROWDS : CROWDS;
  const repositories = crowdSizes.map((referrers) => ({ referrers, repository: `${plot.repository}-${referrers}` }));
  // Large manifests are what is costly there; their envelopes may be small.
  const envelopes = Array.from({ length: DIFFERENT }, (_, serial) =>
    padded ? make(serial, 0) : largest(make, serial),
  );
  // That took a while, in which the registry has hung up: the runtime is to hear of it before it sends anything.
  await sleep(200);
  for (const { referrers, repository } of repositories) {
    const target = { origin: `http://${host}`, repository, fetch };
    await push(subject, target);
    const serials = Array.from({ length: referrers }, (_, serial) => serial).values();
    const lane = async () => {
      for (const serial of serials) {
        const envelope = envelopes[serial % DIFFERENT];
        if (envelope === undefined) throw new Error('no envelope');
        await push(referrerOf(subject, envelope, { type: plot.type, serial, padded }), target);
      }
    };
    await Promise.all(Array.from({ length: PUSHED_AT_ONCE }, lane));
  }
  const answers = new Map<number, HostileAnswer[]>(crowdSizes.map((referrers) => [referrers, []]));
  for (let i = 0; i < ROUNDS; i++) {
    for (const { referrers, repository } of i % 2 === 0 ? repositories : repositories.toReversed()) {
      answers.get(referrers)?.push(await ask({ host, repository, digest: subject.digest, trust }));
    }
  }
  const crowds = crowdSizes.map((referrers) => summarise(referrers, answers.get(referrers) ?? []));
  const [, many, more] = crowds;
  const ratio = round((more?.peak ?? Number.NaN) / (many?.peak ?? Number.NaN), 2);
  const limited = crowds.every(({ referrers, code, outcome }) =>
    referrers === 1 ? outcome === 'untrusted' : outcome === 'inconclusive' && code === 'LIMIT',
  );
  const result = { name, crowds, ratio, met: limited && ratio <= MAX_RATIO };
  say(JSON.stringify(result));
  return result;
}

function summarise(referrers: number, answers: readonly HostileAnswer[]): Crowd {
  const [first] = answers;
  if (first === undefined) throw new Error('nothing was measured');
  const { outcome, code, candidates } = first;
  if (answers.some((each) => each.outcome !== outcome || each.code !== code))
    throw new Error('it came out differently');
  const middle = (of: 'milliseconds' | 'peak') => median(answers.map((each) => each[of]));
  return {
    ...{ referrers, outcome, code, candidates },
    milliseconds: round(middle('milliseconds'), 0),
    peak: round(middle('peak') / 2 ** 20),
  };
}

/** In a process with the runtime's own settings, whatever this one was started with. */
function ask(question: HostileQuestion): Promise<HostileAnswer> {
  const entry = fileURLToPath(new URL('./hostile-process.js', import.meta.url));
  const child = fork(entry, [JSON.stringify(question)], { execArgv: [] });
  return new Promise((resolve, reject) => {
    let answer: HostileAnswer | undefined;
    child.once('message', (message) => {
      answer = message as HostileAnswer;
    });
    child.once('exit', (code) => {
      if (answer === undefined) reject(new Error(`the verification ended with ${code ?? 'a signal'}`));
      else resolve(answer);
    });
  });
}
