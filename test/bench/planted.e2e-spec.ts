import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { findPostgres, type PostgresServer } from '../services/postgres.js';
import { consumeRun } from './consume-run.js';
import { contendedRun } from './contended-run.js';
import { duplicatesRun } from './duplicates-run.js';
import { failuresRun } from './failures-run.js';
import type { Run } from './harness/benchmark.js';
import { kafkaRun } from './kafka-run.js';
import { loneRun } from './lone-run.js';

const events = 100;
let postgres: PostgresServer;
let kafka: KafkaCluster;

beforeAll(async () => {
  [postgres, kafka] = [await findPostgres(), await findKafka()];
});
afterAll(async () => {
  await kafka?.stop();
  await postgres?.stop();
});

/** One run of a contestant with a mistake; `npm run bench` shows that the others have none. */
function planted(setting: string, run: Run = consumeRun, program = 'planted/planted.entry.js', few = events) {
  const contestant = { name: setting, program, setting };
  return run(contestant, { events: few, postgres, kafka, interrupted: new AbortController().signal });
}

describe('the bench', () => {
  it('finds the event that a contestant lost', async () => {
    const { findings } = await planted('lose');

    expect(findings).toEqual(['1 lost', 'the sum is 5043, not 5050', 'torn: 100 inbox records, 99 effects']);
  });

  it('finds the event that a contestant doubled', async () => {
    const { findings } = await planted('double');

    expect(findings).toContain('1 doubled');
  });

  it('finds the event that a contestant tore', async () => {
    const { findings } = await planted('tear');

    expect(findings).toEqual(['torn: 99 inbox records, 100 effects']);
  });

  it('finds the duplicate that had an effect', async () => {
    const { findings } = await planted('forget', duplicatesRun);

    expect(findings).toEqual([
      '1 doubled',
      'the sum is 5057, not 5050',
      'torn: 100 inbox records, 101 effects',
    ]);
  });

  it('finds the failing event that a contestant swallowed', async () => {
    const { findings } = await planted('swallow', failuresRun);

    expect(findings).toEqual(['0 of 1 failing events wait or are dead']);
  });

  it('finds the account that holds what no effect says', async () => {
    const { findings } = await planted('overpay', contendedRun);

    expect(findings).toEqual(['account 7 holds 8, not 7']);
  });

  it.each([
    ['lost', 'lose', ['1 lost', 'the sum is 5043, not 5050']],
    ['doubled', 'double', ['1 doubled', 'the sum is 5057, not 5050']],
  ])('finds what a contestant %s on its way to another topic', async (_, setting, due) => {
    const { findings } = await planted(setting, kafkaRun, 'planted/planted-kafka.entry.js');

    expect(findings).toEqual(due);
  });

  it('takes what was aborted for what it is', async () => {
    const { findings } = await planted('abort', kafkaRun, 'planted/planted-kafka.entry.js');

    expect(findings).toEqual([]);
  });

  it('finds the lone event that was lost', async () => {
    const { findings } = await planted('lose', loneRun, undefined, 5);

    expect(findings).toContain('1 lost');
  });

  it('says with what a contestant ended that crashed', async () => {
    await expect(planted('crash')).rejects.toThrow('crash ended with 3');
  });
});
