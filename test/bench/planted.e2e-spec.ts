import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { findPostgres, type PostgresServer } from '../services/postgres.js';
import { consumeRun } from './consume-run.js';

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
function planted(setting: string) {
  const contestant = { name: setting, program: 'planted/planted.entry.js', setting };
  return consumeRun(contestant, { events, postgres, kafka, interrupted: new AbortController().signal });
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

  it('says with what a contestant ended that crashed', async () => {
    await expect(planted('crash')).rejects.toThrow('crash ended with 3');
  });
});
