import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Mishap } from './mishaps.js';
import { type ScheduledEvent, ScheduleWorld, type Step } from './schedule-world.js';

const mishap = fc.constantFrom<Mishap>(
  'no',
  'fails',
  'fails',
  'fails',
  'later',
  'permanent',
  'collides',
  'swallows',
);
const event: fc.Arbitrary<ScheduledEvent> = fc.record({
  key: fc.constantFrom('a', 'a', 'b', 'c', null),
  mishaps: fc.oneof(fc.constant([]), fc.array(mishap, { maxLength: 4 })) as fc.Arbitrary<Mishap[]>,
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('feed'), events: fc.array(event, { maxLength: 6 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(1, 30, 60, 200, 1_500) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('die'),
      at: fc.constantFrom('begin', 'before commit', 'after commit'),
      after: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('again') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('replay') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deploy') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('help') }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('lose'), really: fc.constantFrom('committed', 'rolled-back') }),
  },
) as fc.Arbitrary<Step>;

/** A death that random schedules may miss. */
const dyingAt = (at: 'begin' | 'before commit' | 'after commit'): [Step[]] => [
  [
    { do: 'feed', events: [{ key: 'a', mishaps: ['fails'] }] },
    { do: 'die', at, after: 0 },
    { do: 'feed', events: [{ key: 'b', mishaps: ['fails', 'later', 'permanent'] }] },
    { do: 'pass', ms: 1_500 },
  ],
];

/** K1 dies, K2 fails and waits; K1 is replayed before it. */
const replaying: [Step[]] = [
  [
    { do: 'feed', events: [{ key: 'a', mishaps: ['permanent', 'fails'] }] },
    { do: 'feed', events: [{ key: 'a', mishaps: ['later', 'later'] }] },
    { do: 'replay' },
    { do: 'pass', ms: 60 },
    { do: 'feed', events: [{ key: 'a', mishaps: ['permanent'] }] },
    { do: 'pass', ms: 1_500 },
    { do: 'replay' },
  ],
];

describe('events that fail, park, are retried and dead-lettered, in any order of things', () => {
  it('have one effect or one letter for each handler, in order by key', async () => {
    const fired = new Set<string>();
    const holds = fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 12 }), async (steps) => {
      const world = new ScheduleWorld();
      await world.run(steps);
      for (const one of world.fired) fired.add(one);

      expect(world.faults()).toEqual([]);
      expect(world.storage.parked.any).toBe(false);
    });

    const examples = [replaying, ...(['begin', 'before commit', 'after commit'] as const).map(dyingAt)];
    await fc.assert(holds, { numRuns: Number(process.env['EO_SCHEDULES'] ?? 40), examples });

    expect([...fired]).toEqual(
      expect.arrayContaining([
        'fails',
        'later',
        'permanent',
        'replay before parked events',
        'died begin',
        'died before commit',
        'died after commit',
      ]),
    );
  }, 600_000);
});
