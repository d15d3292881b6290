import type { Explanation } from '../../shared/pipeline/explain.js';
import type { DoorResponse } from '../../shared/pipeline/http-doors.js';
import type { PolicyDiffPage } from '../../shared/pipeline/policy-diff.js';
import type { Line } from './line.js';
import { LOGIN_SERVER } from './registry.js';

const request = (text: string, query = '', headers: Readonly<Record<string, string>> = {}) => ({
  headers: new Headers({ 'x-lazaret-caller': 'alice', ...headers }),
  query: new URLSearchParams(query),
  text: () => Promise.resolve(text),
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** A policy as the door wants it, with the line's own key where it names one. */
export function source(line: Line, policy: string, key = line.keys.publicKey) {
  return { policy, files: policy.includes('ci.pub') ? { 'ci.pub': base64(key) } : {} };
}

/** Posts any text to `policyDiff`. */
export function postDiff(line: Line, body: unknown, headers?: Readonly<Record<string, string>>): Promise<DoorResponse> {
  return line.app.policyDiff(request(typeof body === 'string' ? body : JSON.stringify(body), '', headers));
}

/** One page of a comparison that has to succeed. */
export async function diffPage(line: Line, body: object): Promise<PolicyDiffPage> {
  const { status, body: answer } = await postDiff(line, body);
  if (status !== 200) throw new Error(JSON.stringify(answer));
  // As it arrives.
  return JSON.parse(JSON.stringify(answer)) as PolicyDiffPage;
}

/** `GET explain` of one reference in the line's registry. */
export async function explainOf(line: Line, place: string): Promise<Explanation> {
  const { status, body } = await explainDoor(line, `${LOGIN_SERVER}/${place}`);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return JSON.parse(JSON.stringify(body)) as Explanation;
}

/** `GET explain`, whatever it answers. */
export function explainDoor(line: Line, reference: string): Promise<DoorResponse> {
  return line.app.explain(request('', new URLSearchParams({ reference }).toString()));
}
