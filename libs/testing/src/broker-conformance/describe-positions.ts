/**
 * The part of the broker suite about positions: where a group begins, goes on, and stands still.
 *
 * Only what the sink has committed is behind it.
 */
import assert from 'node:assert/strict';
import { type Delivery, ExactlyOnceError } from '@exactly-once/core';
import type { BrokerTests } from './broker-under-test.js';
import { type Eventually, Gate, pause, RecordingGroup } from './recording-group.js';
import { ground, numbered, send } from './sent-events.js';

export function describePositions(tests: BrokerTests): void {
  const { it, under: given } = tests;

  it('delivers again what was not done, and nothing else, when the group comes back', () =>
    ground(tests, async ({ process, topic, group, eventually }) => {
      const gate = new Gate();
      const first = group(async (id, session) => {
        if (id === 'e6') await gate.pass(session);
      });
      const events = numbered(topic, 10).map((one) => ({ ...one, key: 'one' }));
      await send(process, events);
      await first.join(process);
      await eventually('five are done, the sixth is not', () => first.seen.includes('e6'));
      await first.stopAll();

      const second = new RecordingGroup(first.name, [topic]);
      await second.join(await given().process());
      await eventually('the others are delivered', () => second.committed.length === 5);
      await send(process, numbered(topic, 1, 'last'));
      await eventually('the last one is delivered', () => second.ids.includes('last1'));
      await second.stopAll();

      assert.deepEqual(first.ids, ['e1', 'e2', 'e3', 'e4', 'e5']);
      assert.deepEqual(second.ids, ['e6', 'e7', 'e8', 'e9', 'e10', 'last1']);
    }));

  it('begins a new group at the end where it is asked to, and where it stood when it comes back', () =>
    ground(tests, async ({ process, topic, group, eventually }) => {
      await send(process, numbered(topic, 20, 'old'));
      const first = group(undefined, 'latest');
      await first.join(process);
      await eventuallyDelivered(
        first,
        () => send(process, numbered(topic, 20, `new-${first.seen.length}-`)),
        eventually,
      );
      await first.stopAll();
      await send(process, numbered(topic, 20, 'meanwhile'));

      const second = new RecordingGroup(first.name, [topic], undefined, 'latest');
      await second.join(await given().process());
      const missed = () => second.ids.filter((id) => id.startsWith('meanwhile')).length;
      await eventually('what came meanwhile is delivered', () => missed() === 20).finally(() =>
        second.stopAll(),
      );

      assert.deepEqual(
        first.seen.filter((id) => id.startsWith('old')),
        [],
      );
    }));

  it('stops a partition whose event must not be passed by, alone, and is down', () =>
    ground(tests, async ({ process, topic, group, eventually }) => {
      const scout = group();
      await scout.join(process);
      await send(process, numbered(topic, 40));
      await eventually('the scout has all', () => scout.committed.length === 40);
      const at = new Map(scout.committed.map(({ id, delivery }) => [id, delivery]));
      const poison = at.get('e5')!;
      const passed = ({ partition, offset }: Delivery) =>
        partition !== poison.partition || offset < poison.offset;
      const wanted = scout.ids.filter((id) => passed(at.get(id)!));

      const reader = group((id) => {
        if (id === 'e5') throw new ExactlyOnceError('EO_STOPPED', 'on purpose');
      });
      const consumer = await reader.join(await given().process());
      await eventually('all others are done', () => reader.committed.length >= wanted.length);
      await eventually('it is down', () => consumer.health().status === 'down');
      const { reason } = consumer.health();
      await reader.stopAll();

      assert.match(reason ?? '', /EO_STOPPED/);
      assert.deepEqual(reader.ids.toSorted(), wanted.toSorted());
      const again = new RecordingGroup(reader.name, [topic]);
      await again.join(process);
      await eventually('the rest comes again', () => again.committed.length >= 40 - wanted.length).finally(
        () => again.stopAll(),
      );
      assert.equal(again.ids[0], 'e5');
      assert.equal(new Set([...reader.ids, ...again.ids]).size, 40);
    }));

  it('claims a partition anew, and passes nothing by, where the fence has refused', () =>
    ground(tests, async ({ process, topic, group, eventually }) => {
      let refusals = 0;
      const reader = group((id) => {
        if (id === 'e3' && refusals++ < 2) throw new ExactlyOnceError('EO_FENCED', 'on purpose');
      });
      await reader.join(process);
      await send(
        process,
        numbered(topic, 6).map((one) => ({ ...one, key: 'one' })),
      );

      await eventually('all are delivered', () => reader.committed.length >= 6);

      assert.deepEqual(reader.ids, ['e1', 'e2', 'e3', 'e4', 'e5', 'e6']);
    }));
}

/** Sends until something arrives: how soon a new reader stands at the end is its broker's matter. */
async function eventuallyDelivered(
  group: RecordingGroup,
  sendSome: () => Promise<void>,
  eventually: Eventually,
): Promise<void> {
  for (let tries = 0; tries < 50 && group.committed.length === 0; tries++) {
    await sendSome();
    await pause(100);
  }
  await eventually('something is delivered', () => group.committed.length > 0);
}
