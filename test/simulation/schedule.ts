/**
 * What can be asked of a simulated world, and how schedules of it are drawn.
 */
import fc from 'fast-check';
import type { Mishap } from '../engine/mishaps.js';

export interface AskedEvent {
  readonly key: string | null;
  /** What happens at its first calls, for each handler; then it succeeds. */
  readonly mishaps: readonly Mishap[];
}

/** The process that has the partition, or the one that only relays and publishes. */
export type Who = 'consumer' | 'helper';

export type Step =
  /** Another system's producer. */
  | { readonly do: 'produce'; readonly events: readonly AskedEvent[] }
  /** A business transaction with an outbox; `lateMs`: how long it stays open after that. */
  | {
      readonly do: 'publish';
      readonly who: Who;
      readonly key: string;
      readonly end: 'commit' | 'roll back';
      readonly lateMs: number;
    }
  /** Copies of the last three. */
  | { readonly do: 'copy' }
  | { readonly do: 'pass'; readonly ms: number }
  /** It dies at its n-th call of a port from now; another takes its place. */
  | { readonly do: 'die'; readonly who: Who; readonly calls: number }
  /** It is stopped there, and goes on later. */
  | { readonly do: 'stop'; readonly who: Who; readonly calls: number; readonly ms: number }
  /** The partition goes to a new process; the old one is not told. */
  | { readonly do: 'rebalance' }
  /** The same, and the old one ends in order. */
  | { readonly do: 'deploy' }
  /** The next COMMIT is not answered. */
  | { readonly do: 'lose'; readonly really: 'committed' | 'rolled-back' }
  /** Two operators replay all that is dead, at once. */
  | { readonly do: 'replay' }
  /** All that is older than the window is forgotten. */
  | { readonly do: 'forget' };

export interface Schedule {
  readonly steps: readonly Step[];
  /** Milliseconds by which calls are late, over and over. */
  readonly lateMs: readonly number[];
}

const mishap = fc.constantFrom<Mishap>('fails', 'fails', 'no', 'later', 'permanent', 'collides', 'swallows');

const event: fc.Arbitrary<AskedEvent> = fc.record({
  key: fc.constantFrom('a', 'a', 'b', null),
  mishaps: fc.oneof(
    { weight: 3, arbitrary: fc.constant<Mishap[]>([]) },
    { weight: 1, arbitrary: fc.array(mishap, { minLength: 1, maxLength: 4 }) },
  ),
});

const calls = fc.integer({ min: 0, max: 40 });
const who = fc.constantFrom<Who>('consumer', 'consumer', 'helper');

function one<T extends Step['do'], R extends object>(name: T, rest: { [K in keyof R]: fc.Arbitrary<R[K]> }) {
  return fc.record({ do: fc.constant(name), ...rest }) as unknown as fc.Arbitrary<Step>;
}

const publish = one('publish', {
  who,
  key: fc.constantFrom('p', 'p', 'q'),
  end: fc.constantFrom('commit', 'commit', 'commit', 'roll back'),
  lateMs: fc.constantFrom(0, 0, 40, 700),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: one('produce', { events: fc.array(event, { minLength: 1, maxLength: 5 }) }) },
  { weight: 4, arbitrary: publish },
  { weight: 3, arbitrary: one('pass', { ms: fc.constantFrom(1, 30, 200, 1_500, 5_000) }) },
  { weight: 2, arbitrary: one('copy', {}) },
  { weight: 3, arbitrary: one('die', { who, calls }) },
  { weight: 2, arbitrary: one('stop', { who, calls, ms: fc.constantFrom(50, 4_000, 14_000) }) },
  { weight: 2, arbitrary: one('rebalance', {}) },
  { weight: 1, arbitrary: one('deploy', {}) },
  { weight: 1, arbitrary: one('lose', { really: fc.constantFrom('committed', 'rolled-back') }) },
  { weight: 1, arbitrary: one('replay', {}) },
  { weight: 1, arbitrary: one('forget', {}) },
);

const lateMs = fc.array(fc.constantFrom(0, 0, 0, 0, 1, 7, 40), { minLength: 1, maxLength: 12 });

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  steps: fc.array(step, { minLength: 2, maxLength: 10, size: 'max' }),
  lateMs,
});

/** Of relays that are stopped while much is published, and of nothing else. */
export const relaySchedules: fc.Arbitrary<Schedule> = fc.record({
  steps: fc.array(
    fc.oneof(
      { weight: 4, arbitrary: publish },
      { weight: 2, arbitrary: one('stop', { who, calls, ms: fc.constant(4_000) }) },
      { weight: 2, arbitrary: one('pass', { ms: fc.constantFrom(200, 1_500, 5_000) }) },
    ),
    { minLength: 4, maxLength: 12, size: 'max' },
  ),
  lateMs,
});

/** A line for each step. */
export function inWords({ steps, lateMs }: Schedule): string[] {
  const lines = steps.map(({ do: what, ...rest }) => `${what} ${JSON.stringify(rest)}`);
  return [...lines, `each call late by ${lateMs.join(', ')} ms, over and over`];
}
