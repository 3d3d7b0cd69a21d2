import { type DeliverySink, ExactlyOnceError, type ProcessingSession } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MemoryWorld } from './memory-world.js';

const key = { group: 'test', topic: 'in', partition: 0 };

describe('a group of events in one transaction', () => {
  let world: MemoryWorld;

  beforeEach(() => {
    world = new MemoryWorld();
  });

  afterEach(async () => {
    await world.stop();
  });

  it('ends when it has been open for maxOpenMs', async () => {
    const commits = world.countAtCommits();
    await world.start([world.handler('h', () => world.clock.sleep(30))], { batch: { maxOpenMs: 50 } });

    world.feed('1', '2', '3', '4');
    await world.pass(1_000);

    expect(commits).toEqual([2, 4]);
    expect(world.calls).toHaveLength(4);
  });

  it('holds no more than maxBytes of bodies, but always one event', async () => {
    const commits = world.countAtCommits();
    await world.start([world.handler('h')], { batch: { maxBytes: 100 } });
    const sized = (id: string, bytes: number) => world.message(id, JSON.stringify('x'.repeat(bytes - 2)));

    world.broker.append('in', sized('1', 40), sized('2', 60), sized('3', 3), sized('4', 500), sized('5', 10));
    await world.pass(1_000);

    expect(world.effects).toHaveLength(5);
    expect(commits).toEqual([2, 3, 4, 5]);
  });

  it('commits what it has where the process must stop between two events', async () => {
    let stopping: Promise<void> | null = null;
    let goOn = () => {};
    const graceIsOver = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const insert = world.storage.deadLetters.insert.bind(world.storage.deadLetters);
    world.storage.deadLetters.insert = async (...given) => {
      await insert(...given);
      stopping = world.engine.stop();
      await graceIsOver;
    };
    await world.start([world.handler('h')], { shutdownMs: 0 });

    world.broker.append('in', world.message('1'), { body: 'no headers' }, world.message('3'));
    while (stopping === null) await world.pass();
    await world.pass(100);
    goOn();
    await world.pass(100);
    await stopping;

    expect(world.calls).toEqual(['h 1']);
    expect(world.effects).toEqual(['h 1']);
    expect(world.letters).toEqual(['null EO_ENVELOPE_INVALID null']);
  });

  it('is not taken for committed where another owner has moved the fence meanwhile', async () => {
    const { sink, session, acknowledged } = await ownSession();
    world.eachTransaction((transaction) => {
      transaction.commit = async () => {
        await transaction.rollback();
        await moveOn('thief', 2n);
        throw new ExactlyOnceError('EO_COMMIT_UNKNOWN', 'on purpose');
      };
    });
    world.feed('1', '2', '3');

    const processing = sink.process(world.broker.topic('in'), session);
    const outcome = processing.then(
      () => 'done',
      (error: ExactlyOnceError) => error.code,
    );
    await world.pass(60_000);

    expect(await outcome).toBe('EO_FENCED');
    expect(acknowledged).toEqual([]);
  });

  it("is taken for committed where this very owner's fence has moved", async () => {
    const { sink, session, acknowledged } = await ownSession();
    let faults = 0;
    world.eachTransaction((transaction) => {
      if (faults++ === 0) transaction.loseAnswer('committed');
    });
    world.feed('1', '2', '3');

    const processing = sink.process(world.broker.topic('in'), session);
    await world.pass(60_000);
    await processing;

    expect(acknowledged).toEqual([3]);
    expect(world.calls).toHaveLength(3);
    expect(session.fence?.nextOffset).toBe(3n);
    expect(session.fence?.lastFingerprint).not.toBeNull();
  });

  /** The processor, with a consumer that is this test's own. */
  async function ownSession() {
    let sink: DeliverySink | null = null;
    const consumer = world.broker.consumer.bind(world.broker);
    world.broker.consumer = (request) => {
      sink = request.sink;
      return consumer({ ...request, topics: [] });
    };
    await world.start([world.handler('h')]);
    const { nextOffset, lastFingerprint } = await world.storage.fences.claim(key, 'me', 0n);
    const acknowledged: number[] = [];
    const session: ProcessingSession = {
      fence: { key, owner: 'me', nextOffset, lastFingerprint },
      draining: new AbortController().signal,
      aborted: new AbortController().signal,
      done: (count) => void acknowledged.push(count),
    };
    return { sink: sink!, session, acknowledged };
  }

  async function moveOn(owner: string, next: bigint): Promise<void> {
    await world.storage.fences.claim(key, owner, 0n);
    await world.storage.fences.reposition(key, owner, next, false);
  }
});
