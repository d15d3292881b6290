import { GUARD_CASES, MALFORMED_CASES, POD_CASES, REQUEST_CASES, WORKLOAD_CASES, guardCasesAt } from './cases.js';
import type { GatorTest } from './gator.js';
import { NAME_CASES, NAMESPACE_CASES, REGISTRY_CASES } from './gatekeeper-cases.js';

const GUARD = {
  name: 'break-glass',
  template: 'base/break-glass.yaml',
  constraint: 'cases/break-glass.yaml',
} as const;

/** The suite that is shipped beside the policies. What depends on the time of day is tried elsewhere. */
export const SUITE: readonly GatorTest[] = [
  {
    name: 'allowed-images',
    template: 'base/allowed-images.yaml',
    constraint: 'cases/allowed-images.yaml',
    expansion: 'base/expansion.yaml',
    cases: [...POD_CASES, ...MALFORMED_CASES, ...WORKLOAD_CASES, ...REQUEST_CASES, ...NAME_CASES],
  },
  {
    name: 'registries',
    template: 'base/allowed-images.yaml',
    constraint: 'cases/registries.yaml',
    cases: REGISTRY_CASES,
  },
  { ...GUARD, cases: [...GUARD_CASES, ...NAMESPACE_CASES] },
];

/** What is true at `now` alone. */
export const suiteAt = (now: Date): readonly GatorTest[] => [{ ...GUARD, cases: guardCasesAt(now) }];
