/**
 * The part of the broker suite about the end: what runs may finish, what is late is rolled back, nothing begins.
 *
 * Whoever has stopped touches nothing any more.
 */
import assert from 'node:assert/strict';
import type { BrokerTests } from './broker-under-test.js';
import { Gate, never, pause } from './recording-group.js';
import { ground, numbered, send } from './sent-events.js';

export function describeStopping(tests: BrokerTests): void {
  const { it } = tests;

  it('waits for what runs, and begins nothing more', () =>
    ground(
      tests,
      async ({ process, topic, group, eventually }) => {
        const gate = new Gate();
        const reader = group((id, session) => (id === 'e2' ? gate.pass(session) : undefined));
        const consumer = await reader.join(process);
        await send(process, numbered(topic, 20));
        await eventually('the second one runs', () => reader.seen.includes('e2'));

        let stopped = false;
        const stopping = consumer.stop(60_000).then(() => {
          stopped = true;
        });
        await pause(200);
        const early = stopped;
        gate.open();
        await stopping;
        const seen = reader.seen.length;
        await pause(200);

        assert.equal(early, false);
        assert.equal(reader.seen.length, seen);
        assert.ok(reader.committed.length < 20);
      },
      1,
    ));

  it('rolls back what runs when its grace is over', () =>
    ground(tests, async ({ process, topic, group, eventually }) => {
      const reader = group((_, session) => new Gate().pass(session));
      const consumer = await reader.join(process);
      await send(process, numbered(topic, 4));
      await eventually('one runs', () => reader.seen.length > 0);

      const startedAtMs = Date.now();
      await consumer.stop(300);

      assert.ok(Date.now() - startedAtMs >= 290);
      assert.ok(Date.now() - startedAtMs < 10_000);
      assert.deepEqual(reader.ids, []);
    }));

  it('begins nothing when it is stopped while it starts', () =>
    ground(tests, async ({ under, process, topic, group, eventually }) => {
      await send(process, numbered(topic, 20));
      const reader = group();
      const consumer = reader.consumer(process);
      const starting = consumer.start(never());
      await consumer.stop(10_000);
      await starting;
      const seen = reader.seen.length;

      const successor = await reader.join(await under.process());
      await eventually('a successor has all', () => reader.committed.length >= 20);
      await successor.stop(10_000);

      assert.equal(seen, reader.committed.filter((one) => one.process === process).length);
      assert.equal(new Set(reader.ids).size, 20);
    }));

  it('does not start where it is not to start any more', () =>
    ground(tests, async ({ process, topic, group }) => {
      await send(process, numbered(topic, 5));
      const reader = group();

      await reader.consumer(process).start(AbortSignal.abort());
      await pause(100);

      assert.deepEqual(reader.seen, []);
    }));
}
