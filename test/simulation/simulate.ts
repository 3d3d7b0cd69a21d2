/**
 * Runs schedules one after another until one shows a fault, and then finds a shorter one that shows it, too.
 */
import fc from 'fast-check';
import type { SimulatedBug } from './planted.js';
import { type Schedule, schedules } from './schedule.js';
import { SimulatedWorld } from './simulated-world.js';

export interface Simulation {
  readonly seed: number;
  readonly runs: number;
  readonly bug?: SimulatedBug;
  /** What they are drawn from. Default: all there is. */
  readonly from?: fc.Arbitrary<Schedule>;
  /** Milliseconds after which no further schedule begins. Default: none. */
  readonly limitMs?: number;
}

export interface Simulated {
  readonly runs: number;
  /** What happened in any of them. */
  readonly fired: ReadonlySet<string>;
  readonly failure: { readonly schedule: Schedule; readonly faults: readonly string[] } | null;
}

export async function simulate({
  seed,
  runs,
  bug,
  limitMs,
  from = schedules,
}: Simulation): Promise<Simulated> {
  const fired = new Set<string>();
  const faultsOf = async (schedule: Schedule) => {
    const world = new SimulatedWorld(schedule, bug ?? null);
    const faults = await world.run();
    for (const one of world.fired) fired.add(one);
    return faults;
  };
  const property = fc.asyncProperty(from, async (schedule) => (await faultsOf(schedule)).length === 0);
  const result = await fc.check(property, {
    ...{ seed, numRuns: runs },
    ...(limitMs === undefined ? {} : { interruptAfterTimeLimit: limitMs }),
  });
  if (result.counterexample === null) return { runs: result.numRuns, fired, failure: null };
  const [schedule] = result.counterexample;
  return { runs: result.numRuns, fired, failure: { schedule, faults: await faultsOf(schedule) } };
}
