import { DatabaseBroker, type HandlerDefinition, RetryAfterError } from '@exactly-once/core';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

describe('a process that registered before a rewind to a new generation', () => {
  let world: MemoryWorld;
  let broker: DatabaseBroker;

  beforeEach(() => {
    world = new MemoryWorld();
    broker = new DatabaseBroker({ partitions: 1 });
  });

  const start = async (...handlers: HandlerDefinition[]) => {
    await world.start(handlers, { broker });
    await world.pass(2_000);
  };
  const feed = (...ids: string[]) => world.feedLog(...ids);
  const calls = () => world.calls.splice(0);

  it('handles nothing of what it claims after it, until it is restarted', async () => {
    await feed('1', '2');
    const both = [world.handler('a'), world.handler('b')];
    await start(...both);
    calls();
    const { id } = (await world.storage.handlers.ofGroup('test'))[0]!;
    const newGeneration = { handlerId: id, by: 'me' };
    const step = { group: 'test', topic: 'in', targets: new Map([[0, 0n]]), newGeneration };
    await world.storage.rewinds.rewind(step); // as if it had not been a member yet
    await feed('3');
    await world.pass(5_000);
    const between = calls();
    const { consumer } = world.engine.health().parts;
    await world.stop();
    await start(...both);

    expect(between).toEqual([]);
    expect(consumer?.status).toBe('down');
    expect(consumer?.reason).toMatch(
      /a was rewound to generation 2 .* with generation 1: restart this process/,
    );
    expect(calls()).toEqual(['a 1', 'a 2', 'a 3', 'b 3']);
  });

  it('retries nothing', async () => {
    await feed('1');
    await start(
      world.handler('a', () => {
        throw new RetryAfterError(5_000);
      }),
    );
    const before = calls();
    const { id } = (await world.storage.handlers.ofGroup('test'))[0]!;
    world.storage.handlers.nextGeneration(id);
    await world.pass(60_000);

    expect(before.length).toBeGreaterThan(0);
    expect(calls()).toEqual([]);
    expect(world.engine.health().parts['retries']?.reason).toContain('restart this process');
  });

  it('is asked again while the database does not answer', async () => {
    await feed('1');
    const { handlers } = world.storage;
    const answers = handlers.ofGroup.bind(handlers);
    let refusals = 3;
    handlers.ofGroup = (group) => (refusals-- > 0 ? Promise.reject(new Error('away')) : answers(group));
    await start(world.handler('a'));
    await world.pass(5_000);

    expect(refusals).toBeLessThan(0);
    expect(world.log).toContain("the handlers' generations are not known: Error: away");
    expect(calls()).toEqual(['a 1']);
  });
});
