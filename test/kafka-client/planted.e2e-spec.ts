import { describeKafkaClient } from '@exactly-once/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findKafka, type KafkaCluster } from '../services/kafka.js';
import { kafkajsUnderTest } from './kafkajs-under-test.js';
import { type Sabotage, sabotages } from './sabotage.js';

type Body = () => Promise<void>;

let kafka: KafkaCluster;

beforeAll(async () => {
  kafka = await findKafka();
});
afterAll(() => kafka.stop());

/** The tests of the suite by title, on a client of which something was taken out. */
function collected(client?: Sabotage['client']): Map<string, Body> {
  const tests = new Map<string, Body>();
  let open: Body = async () => undefined;
  describeKafkaClient(
    '',
    {
      describe: (_, body) => body(),
      it: (title, body) =>
        tests.set(title, async () => {
          await open();
          await body();
        }),
      beforeEach: (body) => {
        open = body;
      },
      afterEach: () => undefined,
    },
    () => kafkajsUnderTest(kafka, client),
    { patienceMs: 6_000 },
  );
  return tests;
}

describe('the suite of Kafka clients notices when a duty is missing', () => {
  it.each(Object.entries(sabotages))(
    '%s',
    async (_, { reds, client }) => {
      const tests = [...collected(client)].filter(([title]) => reds.some((red) => title.startsWith(red)));

      const green: string[] = [];
      for (const [title, run] of tests) {
        await run().then(
          () => green.push(title),
          (error: Error) => {
            if (error instanceof TypeError) throw error; // the sabotage is broken, not the client
          },
        );
      }

      expect(tests).toHaveLength(reds.length);
      expect(green).toEqual([]);
    },
    120_000,
  );

  it('no test is left that nothing turns red', () => {
    const reds = Object.values(sabotages).flatMap((sabotage) => sabotage.reds);
    const titles = [...collected().keys()];

    expect(titles.filter((title) => !reds.some((red) => title.startsWith(red)))).toEqual([]);
  });
});
