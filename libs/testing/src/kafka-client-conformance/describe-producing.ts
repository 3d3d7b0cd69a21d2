/**
 * The part of the Kafka client suite about producers, plain and transactional, and about what an admin is told.
 *
 * A reader sees what was committed, and nothing that was not.
 */
import assert from 'node:assert/strict';
import { KafkaClientGround, type KafkaClientTests, message, refusal } from './kafka-client-ground.js';

const fenced = ['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH'];

/** What a position may be: no number of JavaScript holds it. */
const largest = 4_611_686_018_427_387_903n;

export function describeProducing(tests: KafkaClientTests): void {
  const { it } = tests;
  const on = (work: (ground: KafkaClientGround) => Promise<void>) => () =>
    KafkaClientGround.with(tests, work);

  it(
    'writes in the order given, and says where the log begins and ends',
    on(async (ground) => {
      const topic = await ground.topic();
      await ground.put(topic, 'a', 'b', 'c');
      const admin = await ground.admin();

      const bounds = await admin.logBounds(topic);
      const reader = await ground.reading(topic);
      await ground.until('all are read', () => reader.taken.length >= 3);

      assert.deepEqual([...bounds], [[0, { low: 0n, high: 3n }]]);
      assert.deepEqual(reader.values, ['a', 'b', 'c']);
    }),
  );

  it(
    'says by the protocol’s name why a broker refuses, and makes no topic',
    on(async (ground) => {
      const [topic, missing] = [await ground.topic(), ground.name()];
      const tooLarge = { ...message(''), value: Buffer.alloc(3_000_000) };

      const refusals = [
        await refusal((await ground.producer()).send([{ topic, messages: [tooLarge] }])),
        await refusal((await ground.producer()).send([{ topic: missing, messages: [message('a')] }])),
        await refusal((await ground.producer()).send([{ topic: missing, messages: [message('a')] }])),
      ];

      const unknown = 'UNKNOWN_TOPIC_OR_PARTITION';
      assert.deepEqual(refusals, ['MESSAGE_TOO_LARGE', unknown, unknown]);
    }),
  );

  it(
    'makes a topic that can be written to at once, and leaves one that exists as it is',
    on(async (ground) => {
      const [made, existing] = [ground.name(), await ground.topic(2)];
      const [producer, admin] = [await ground.producer(), await ground.admin()];

      await admin.createTopic(made, 3);
      await producer.send([{ topic: made, messages: [message('a')] }]);
      await admin.createTopic(existing, 3);

      const partitions = async (topic: string) => (await admin.logBounds(topic)).size;
      assert.deepEqual([await partitions(made), await partitions(existing)], [3, 2]);
    }),
  );

  it(
    'commits records and position of a transaction together, and nothing of an aborted one',
    on(async (ground) => {
      const [topic, group] = [await ground.topic(), ground.name()];
      const [producer, admin] = [await ground.transactional(ground.name()), await ground.admin()];
      const aborted = await producer.begin();
      await accepted(ground, () => aborted.commitOffset(group, { topic, partition: 0, next: 5n }));
      await aborted.send([{ topic, messages: [message('aborted')] }]);
      await aborted.abort();
      const afterAbort = (await admin.committed(group, topic)).get(0) ?? -1n;

      const transaction = await producer.begin();
      await accepted(ground, () => transaction.commitOffset(group, { topic, partition: 0, next: largest }));
      await transaction.send([{ topic, messages: [message('committed')] }]);
      await transaction.commit();
      const reader = await ground.reading(topic);
      await ground.until('something is read', () => reader.taken.length > 0);

      assert.ok(afterAbort < 0n);
      assert.deepEqual(reader.values, ['committed']);
      assert.equal((await admin.committed(group, topic)).get(0), largest);
    }),
  );

  it(
    'fences whoever had the transactional id, and aborts what it began',
    on(async (ground) => {
      const [topic, id] = [await ground.topic(), ground.name()];
      const former = await ground.transactional(id);
      const begun = await former.begin();
      await begun.send([{ topic, messages: [message('zombie')] }]);

      const successor = await ground.transactional(id);
      const answer = await refusal(begun.commit());
      const transaction = await successor.begin();
      await accepted(ground, () => transaction.send([{ topic, messages: [message('successor')] }]));
      await transaction.commit();
      const reader = await ground.reading(topic);
      await ground.until('something is read', () => reader.taken.length > 0);

      assert.ok(fenced.includes(answer ?? ''), `the broker answered ${answer}`);
      assert.deepEqual(reader.values, ['successor']);
    }),
  );
}

/** Again while the coordinator still ends the transaction before: it has taken nothing then. */
async function accepted(ground: KafkaClientGround, work: () => Promise<void>): Promise<void> {
  await ground.until('the coordinator takes it', async () => {
    const answer = await refusal(work());
    if (answer !== null && answer !== 'CONCURRENT_TRANSACTIONS') throw new Error(answer);
    return answer === null;
  });
}
