/**
 * The part of the broker suite about the publisher: what its answers mean.
 *
 * Never takes silence for success.
 */
import assert from 'node:assert/strict';
import type { BrokerTests } from './broker-under-test.js';
import { type Eventually, RecordingGroup } from './recording-group.js';
import { eventOn, ground, numbered, send, withPublisher } from './sent-events.js';

export function describeSending(tests: BrokerTests): void {
  const { it, features } = tests;

  it('answers for each event, in the order given', () =>
    ground(tests, async ({ process, topic, group, eventually }) => {
      const large = Buffer.alloc(Math.min(features.largestBody, 1_500_000) + 500_000);
      const events = [eventOn(topic, 'a'), eventOn(topic, 'large', { body: large }), eventOn(topic, 'b')];
      const refuses = large.length > features.largestBody;

      const [none, outcomes] = await withPublisher(process, async (publisher) => [
        await publisher.send([]),
        await publisher.send(events),
      ]);

      assert.deepEqual(none, []);
      const expected = ['sent', refuses ? 'refused' : 'sent', 'sent'];
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        expected,
      );
      const reader = group();
      await reader.join(process);
      const wanted = refuses ? 2 : 3;
      await eventually('what was sent is delivered', () => reader.committed.length === wanted);
    }));

  it('throws where it is cut off, and sends when it is not any more', () =>
    ground(tests, async ({ process, topic, group, eventually }) => {
      if (process.cut === undefined || process.mend === undefined) return;
      await withPublisher(process, async (publisher) => {
        await publisher.send([eventOn(topic, 'before')]);
        process.cut?.();
        await assert.rejects(publisher.send([eventOn(topic, 'meanwhile')]));
        process.mend?.();
        await sentAtLast(() => publisher.send([eventOn(topic, 'meanwhile')]), eventually);
      });

      const reader = group();
      await reader.join(process);
      await eventually('both are delivered', () => new Set(reader.ids).size === 2);
    }));

  it(
    features.makesTopics
      ? 'makes a topic that is sent to, or read, before anybody has made it'
      : 'does not say that an event is sent whose topic nobody has made',
    () =>
      ground(tests, async ({ under, process, eventually }) => {
        const topic = under.unusedName();
        if (!features.makesTopics) {
          const answer = await withPublisher(process, (publisher) =>
            publisher.send([eventOn(topic, 'a')]),
          ).catch(() => []);
          assert.deepEqual(
            answer.filter(({ status }) => status === 'sent'),
            [],
          );
          return;
        }
        const [read, sent] = [under.unusedName(), topic];
        const reader = new RecordingGroup(under.unusedName(), [read, sent]);
        await send(process, numbered(sent, 2, 's'));
        await reader.join(process);
        await send(process, numbered(read, 2, 'r'));
        await eventually('all are delivered', () => reader.committed.length === 4).finally(() =>
          reader.stopAll(),
        );

        assert.deepEqual(reader.ids.toSorted(), ['r1', 'r2', 's1', 's2']);
      }),
  );
}

/** A broker may need a while to connect anew. */
async function sentAtLast(send: () => Promise<unknown>, eventually: Eventually): Promise<void> {
  let sent = false;
  const trying = (async () => {
    while (!sent) {
      await send().then(
        () => {
          sent = true;
        },
        () => undefined, // nothing certain is known: the same again
      );
    }
  })();
  await eventually('it is sent', () => sent);
  await trying;
}
