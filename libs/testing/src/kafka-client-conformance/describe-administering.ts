/**
 * The part of the Kafka client suite about what an operator asks of an admin: who is there, what stood when, and
 * positions that are set back.
 *
 * A group with members is never moved.
 */
import assert from 'node:assert/strict';
import { KafkaClientGround, type KafkaClientTests, message } from './kafka-client-ground.js';

export function describeAdministering(tests: KafkaClientTests): void {
  const { it } = tests;
  const on = (work: (ground: KafkaClientGround) => Promise<void>) => () =>
    KafkaClientGround.with(tests, work);

  it(
    'finds the first record that is not older than a time, and the log’s end where there is none',
    on(async (ground) => {
      const topic = await ground.topic();
      await ground.put(topic, 'a');
      const reader = await ground.reading(topic);
      await ground.until('the first is read', () => reader.taken.length === 1);
      const { timestampMs } = reader.taken[0]!;
      const producer = await ground.producer();
      await ground.until('another millisecond', () => Date.now() > timestampMs);
      await producer.send([{ topic, messages: [message('b')] }]);
      const admin = await ground.admin();

      const times = [timestampMs - 60_000, timestampMs, timestampMs + 1, Date.now() + 60_000];
      const found = await Promise.all(times.map((timeMs) => admin.offsetsAt(topic, timeMs)));

      assert.deepEqual(
        found.map((offsets) => offsets.get(0)),
        [0n, 0n, 1n, 2n],
      );
    }),
  );

  it(
    'says how long topics keep their records, and nothing of one that is not there',
    on(async (ground) => {
      const [topic, missing, admin] = [await ground.topic(), ground.name(), await ground.admin()];

      const kept = await admin.retentionMs([missing, topic]);

      assert.deepEqual([...kept.keys()], [topic]);
      assert.ok(kept.get(topic) === null || kept.get(topic)! > 0, `it is ${kept.get(topic)}`);
    }),
  );

  it(
    'names the members of a group while they are there',
    on(async (ground) => {
      const [topic, group, admin] = [await ground.topic(), ground.name(), await ground.admin()];
      const before = await admin.members(group);
      const probed = await ground.member(group, topic);

      const during = await admin.members(group);
      await probed.member.leave();
      await ground.until('nobody is named', async () => (await admin.members(group)).length === 0);

      assert.deepEqual([before.length, during.length], [0, 1]);
    }),
  );

  it(
    'sets the offsets of a group without members, and refuses one that has some',
    on(async (ground) => {
      const [topic, group, admin] = [await ground.topic(2), ground.name(), await ground.admin()];
      await ground.put(topic, 'a', 'b', 'c');
      await admin.setOffsets(
        group,
        topic,
        new Map([
          [0, 3n],
          [1, 0n],
        ]),
      );
      await admin.setOffsets(group, topic, new Map([[0, 1n]]));
      const set = await admin.committed(group, topic);
      await ground.member(group, topic);

      const refused = await admin.setOffsets(group, topic, new Map([[0, 0n]])).then(
        () => false,
        () => true,
      );

      assert.deepEqual([set.get(0), set.get(1), refused], [1n, 0n, true]);
      assert.equal((await admin.committed(group, topic)).get(0), 1n);
    }),
  );
}
