/** All cases of this harness, by number. */
import type { FaultCase } from '../harness/fault-case.js';
import { connectionCutCase } from './connection-cut.js';
import { crashCases } from './crashes.js';
import { handlerMistakeCases } from './handler-mistakes.js';
import { neighboursCase } from './neighbours.js';
import { publishingCases } from './publishing.js';

export const faultCases: readonly FaultCase[] = [
  ...crashCases,
  connectionCutCase,
  ...handlerMistakeCases,
  neighboursCase,
  ...publishingCases,
].toSorted((one, other) => one.number - other.number);
