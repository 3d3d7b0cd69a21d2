import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SimulatedBug } from './planted.js';
import { relaySchedules, schedules } from './schedule.js';
import { simulate } from './simulate.js';
import { SimulatedWorld } from './simulated-world.js';

describe('simulated processes, by schedules that a seed gives', () => {
  it('have one effect or one letter for each handler, whole, in order, whatever happens', async () => {
    const found = await simulate({ seed: 1, runs: Number(process.env['EO_SCHEDULES'] ?? 60) });

    expect(found.failure).toBeNull();
    expect([...found.fired]).toEqual(
      expect.arrayContaining([
        'published, committed',
        'published, rolled back',
        'fails',
        'permanent',
        'later',
      ]),
    );
    expect([...found.fired].some((what) => what.startsWith('died'))).toBe(true);
    expect([...found.fired].some((what) => what.startsWith('stopped'))).toBe(true);
  }, 600_000);

  it.each<{ bug: SimulatedBug; finding: RegExp; from?: typeof schedules }>([
    { bug: 'no-inbox-insert', finding: /^D/m },
    { bug: 'early-acknowledge', finding: /^L/m },
    { bug: 'no-fence', finding: /^D/m },
    { bug: 'lease-unchecked', finding: /^R.*lease/m, from: relaySchedules },
    { bug: 'parked-passed', finding: /^R/m },
  ])(
    'notice $bug, and a short schedule shows it',
    async ({ bug, finding, from = schedules }) => {
      const { failure } = await simulate({ seed: 4, runs: 400, bug, from });

      expect(failure?.faults.join('\n')).toMatch(finding);
      expect(failure!.schedule.steps.length).toBeLessThanOrEqual(5);
    },
    600_000,
  );

  it('repeats a schedule to the last effect', async () => {
    const [schedule] = fc.sample(schedules, { seed: 7, numRuns: 1 });
    const [one, other] = [new SimulatedWorld(schedule!), new SimulatedWorld(schedule!)];

    await one.run();
    await other.run();

    expect(one.effects).toEqual(other.effects);
  });
});
