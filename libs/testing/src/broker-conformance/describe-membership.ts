/**
 * The part of the broker suite about several processes of a group: they share, replace each other, and never both
 * commit an event.
 *
 * For brokers that share partitions.
 */
import assert from 'node:assert/strict';
import type { BrokerTests } from './broker-under-test.js';
import { Gate, pause } from './recording-group.js';
import { ground, numbered, send } from './sent-events.js';

/** What a take-over may take beside the session time-out. */
const takeOverMs = 2_000;

export function describeMembership(tests: BrokerTests): void {
  const { it } = tests;

  it('shares the partitions among the processes of a group, and commits nothing twice', () =>
    ground(tests, async ({ under, process, topic, group, eventually }) => {
      const reader = group();
      const other = await under.process();
      await reader.join(process);
      await reader.join(other);
      const by = (one: typeof process) => reader.committed.filter((done) => done.process === one).length;

      let sent = 0;
      while (sent < 4_000 && (by(process) === 0 || by(other) === 0)) {
        await send(process, numbered(topic, 20, `${sent}-`));
        sent += 20;
        await pause(50);
      }
      await eventually('all are delivered', () => reader.committed.length >= sent);

      assert.ok(by(process) > 0 && by(other) > 0);
      assert.equal(new Set(reader.ids).size, reader.ids.length);
    }));

  it('reads a partition on where a process left in order', () =>
    ground(tests, async ({ under, process, topic, group, eventually }) => {
      const reader = group();
      const other = await under.process();
      const leaving = await reader.join(process);
      await reader.join(other);
      await send(other, numbered(topic, 40, 'a'));
      await eventually('all are delivered', () => reader.committed.length >= 40);

      await leaving.stop(10_000);
      await send(other, numbered(topic, 40, 'b'));
      await eventually('all are delivered to the one left', () => reader.committed.length >= 80);

      assert.equal(new Set(reader.ids).size, 80);
      assert.equal(reader.ids.length, 80);
    }));

  it('replaces a dead process within its session time-out and 2 s; when it wakes up it commits nothing', () =>
    ground(tests, async ({ under, process: dead, topic, group, eventually }) => {
      if (dead.cut === undefined || dead.mend === undefined) return;
      const gate = new Gate();
      const peer = await under.process();
      const reader = group((_, session, process) => (process === dead ? gate.pass(session) : undefined));
      const zombie = await reader.join(dead);
      await send(peer, numbered(topic, 40));
      await eventually('it is at work', () => reader.seen.length > 0);

      dead.cut();
      const diedAtMs = Date.now();
      await reader.join(peer);
      await eventually('the peer has done it all', () => reader.committed.length >= 40);
      const tookMs = Date.now() - diedAtMs;
      dead.mend();
      gate.open();
      await eventually('the zombie has met its end', () => reader.ended.includes(dead));
      await send(peer, numbered(topic, 40, 'more'));
      await eventually('all are delivered', () => reader.committed.length >= 80);
      await zombie.stop(10_000);

      assert.ok(tookMs < peer.broker.sessionTimeoutMs + takeOverMs, `it took ${tookMs} ms`);
      assert.equal(new Set(reader.ids).size, 80);
      assert.equal(reader.ids.length, 80);
    }));
}
