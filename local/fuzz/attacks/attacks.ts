import type { Attack } from './attack.js';
import { COSIGN_ATTACKS } from './cosign.js';
import { NOTATION_ATTACKS } from './notation.js';
import { OTHER_ATTACKS } from './others.js';

/** All of them. */
export const ATTACKS: readonly Attack[] = [...COSIGN_ATTACKS, ...NOTATION_ATTACKS, ...OTHER_ATTACKS];
