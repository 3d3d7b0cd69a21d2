import type { EventEnvelope, SendOutcome } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

const type = { type: 'o', topic: 'out', version: 1 };

describe('an event that the broker refused for good', () => {
  let world: MemoryWorld;
  let refuses: boolean;
  let sent: string[];

  beforeEach(async () => {
    world = new MemoryWorld();
    refuses = true;
    sent = [];
    world.broker.publisher = () => ({ start: async () => {}, stop: async () => {}, send });
    await world.start([]);
    await world.engine.transaction(async () => {
      for (const id of ['large', 'behind']) await world.engine.outbox.publish(type, {}, { id, key: 'k' });
      await world.engine.outbox.publish(type, {}, { id: 'other', key: 'j' });
    });
    await world.pass(15_000);
  });

  afterEach(async () => {
    await world.stop();
  });

  async function send(events: readonly EventEnvelope[]): Promise<SendOutcome[]> {
    const refused = new Set<string | null>();
    return events.map(({ id, key }): SendOutcome => {
      if (id === 'large' && refuses) refused.add(key);
      if (id === 'large' && refuses) return { status: 'refused', reason: 'too large' };
      if (refused.has(key)) return { status: 'behind' };
      sent.push(id);
      return { status: 'sent' };
    });
  }

  const dead = async () => (await world.storage.outbox.dead.list(10)).map(({ position }) => position);

  it('holds back its key, and health names the command to decide by', async () => {
    expect(sent).toEqual(['other']);
    expect((await world.storage.outbox.dead.list(10)).map(({ id, waiting }) => [id, waiting])).toEqual([
      ['large', 1],
    ]);
    expect(world.engine.health().parts['outbox']?.reason).toContain('npx exactly-once outbox list');
  });

  it('is sent by the running relay once it is to be tried again, before what waited', async () => {
    refuses = false;
    await world.storage.outbox.dead.retry(await dead());
    await world.pass(15_000);

    expect(sent).toEqual(['other', 'large', 'behind']);
    expect(world.engine.health().parts['outbox']).toEqual({ status: 'up' });
  });

  it('waits again where it is refused again', async () => {
    await world.storage.outbox.dead.retry(await dead());
    await world.pass(15_000);

    expect(await dead()).toHaveLength(1);
    expect(sent).toEqual(['other']);
  });

  it('lets its key go on once it is discarded', async () => {
    await world.storage.outbox.dead.discard(await dead(), { by: 'ada', why: 'test' });
    await world.pass(15_000);

    expect(sent).toEqual(['other', 'behind']);
  });
});
