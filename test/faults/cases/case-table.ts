/** All cases of this harness, by number. */
import type { FaultCase } from '../harness/fault-case.js';
import { connectionCutCase } from './connection-cut.js';
import { copyCases } from './copies.js';
import { crashCases } from './crashes.js';
import { handlerMistakeCases } from './handler-mistakes.js';
import { hostileInputCases } from './hostile-input.js';
import { identityCases } from './identities.js';
import { neighboursCase } from './neighbours.js';
import { publishingCases } from './publishing.js';
import { zombieCase } from './zombie.js';

export const faultCases: readonly FaultCase[] = [
  ...crashCases,
  connectionCutCase,
  ...handlerMistakeCases,
  ...copyCases,
  zombieCase,
  ...identityCases,
  ...publishingCases,
  ...hostileInputCases,
  neighboursCase,
].toSorted((one, other) => one.number - other.number);
