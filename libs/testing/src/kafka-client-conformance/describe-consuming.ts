/**
 * The part of the Kafka client suite about members of a group: what they are handed, and from where.
 *
 * A position is the member's owner's to say; the client keeps it.
 */
import assert from 'node:assert/strict';
import { KafkaClientGround, type KafkaClientTests } from './kafka-client-ground.js';

export function describeConsuming(tests: KafkaClientTests): void {
  const { it } = tests;
  const on = (work: (ground: KafkaClientGround) => Promise<void>) => () =>
    KafkaClientGround.with(tests, work);

  it(
    'hands over from where it was told to, in order, byte for byte',
    on(async (ground) => {
      const topic = await ground.topic();
      await ground.put(topic, 'a', 'b', 'c');
      const producer = await ground.producer();
      const bytes = Buffer.from([0, 255, 128]);
      await producer.send([{ topic, messages: [{ key: bytes, value: null, headers: { h: bytes } }] }]);

      const reader = await ground.reading(topic, 1n);
      await ground.until('all are handed over', () => reader.taken.length >= 3);

      assert.deepEqual(
        reader.taken.map(({ offset }) => offset),
        [1n, 2n, 3n],
      );
      assert.deepEqual(reader.values, ['b', 'c', '']);
      const { key, headers, body, partition } = reader.taken[2]!;
      assert.deepEqual([key, headers['h'], body, partition], [bytes, bytes, null, 0]);
      const { next, highWatermark } = reader.offered.at(-1)!;
      assert.deepEqual([next, highWatermark], [4n, 4n]);
    }),
  );

  it(
    'hands over again what was not taken',
    on(async (ground) => {
      const topic = await ground.topic();
      await ground.put(topic, 'a', 'b');
      const reader = await ground.member(ground.name(), topic);
      reader.takes = false;
      reader.begin({ topic, partition: 0 }, 0n);
      await ground.until('it was offered twice', () => reader.offered.length >= 2);

      reader.takes = true;
      await ground.until('it is taken', () => reader.taken.length >= 2);

      assert.deepEqual(reader.values, ['a', 'b']);
    }),
  );

  it(
    'hands over nothing of a paused partition, and then goes on where it stood',
    on(async (ground) => {
      const topic = await ground.topic();
      await ground.put(topic, 'a');
      const reader = await ground.reading(topic);
      await ground.until('the first is taken', () => reader.taken.length === 1);

      reader.member.pause([{ topic, partition: 0 }]);
      await ground.put(topic, 'b');
      const beats = reader.confirmed.length;
      await ground.until('it goes on beating', () => reader.confirmed.length >= beats + 3);
      const whilePaused = reader.values;
      reader.member.resume({ topic, partition: 0 });
      await ground.until('the second is taken', () => reader.taken.length >= 2);

      assert.deepEqual(whilePaused, ['a']);
      assert.deepEqual(reader.values, ['a', 'b']);
    }),
  );

  it(
    'shares the partitions of a group, and says with each generation that it is confirmed',
    on(async (ground) => {
      const [topic, group] = [await ground.topic(4), ground.name()];
      const first = await ground.member(group, topic);
      await ground.until('the first is confirmed', () => first.confirmed.length > 0);
      const generation = first.confirmed.at(-1)!;
      const alone = first.assigned.length;

      const second = await ground.member(group, topic);
      const both = () => [...first.assigned, ...second.assigned].map(({ partition }) => partition).sort();
      await ground.until('both are confirmed in a later generation', () =>
        [first, second].every(({ confirmed }) => (confirmed.at(-1) ?? 0) > generation),
      );

      assert.equal(alone, 4);
      assert.deepEqual(both(), [0, 1, 2, 3]);
      assert.notEqual(first.memberId, second.memberId);
    }),
  );

  it(
    'gives its partitions to the others when it leaves',
    on(async (ground) => {
      const [topic, group] = [await ground.topic(2), ground.name()];
      const [first, second] = [await ground.member(group, topic), await ground.member(group, topic)];
      await ground.until('each has one', () => first.assigned.length === 1 && second.assigned.length === 1);
      const leftAtMs = Date.now();

      await first.member.leave();
      await ground.until('the other has both', () => second.assigned.length === 2);

      assert.ok(first.over);
      assert.ok(Date.now() - leftAtMs < 5_000, 'it was the session time-out that ended the membership');
    }),
  );

  it(
    'says, by a join or as an interruption, when a topic was deleted and made again under it',
    on(async (ground) => {
      const topic = await ground.topic();
      await ground.put(topic, 'a');
      const reader = await ground.reading(topic);
      await ground.until('it is taken', () => reader.taken.length === 1);
      const told = () => reader.joins + reader.interruptions;
      const before = told();

      await ground.recreate(topic);

      await ground.until('it is told', () => told() > before);
    }),
  );

  it(
    'commits for its group what it was told, and nothing else',
    on(async (ground) => {
      const [topic, group] = [await ground.topic(2), ground.name()];
      await ground.put(topic, 'a', 'b', 'c');
      const [member, admin] = [await ground.member(group, topic), await ground.admin()];
      for (const partition of [0, 1]) member.begin({ topic, partition }, 0n);
      await ground.until('all are taken', () => member.taken.length >= 3);

      await member.member.commit([{ topic, partition: 1, next: 2n }]);

      const committed = await admin.committed(group, topic);
      assert.equal(committed.get(1), 2n);
      assert.ok(committed.get(0)! < 0n);
    }),
  );
}
