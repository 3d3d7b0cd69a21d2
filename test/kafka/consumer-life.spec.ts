import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConsumerWorld } from './consumer-world.js';

describe('the life of a Kafka consumer', () => {
  let world: ConsumerWorld;
  let release: () => void;

  beforeEach(() => {
    world = new ConsumerWorld();
    world.kafka.assignment = ['t/0'];
  });

  afterEach(async () => {
    await world.consumer.stop(100);
  });

  /** A handler that does not settle by itself. */
  function hold(): { entered: boolean; aborted: boolean } {
    const seen = { entered: false, aborted: false };
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.work = async (_, session) => {
      seen.entered = true;
      const aborted = new Promise<void>((resolve) => {
        session.aborted.addEventListener('abort', () => {
          seen.aborted = true;
          resolve();
        });
      });
      await Promise.race([held, aborted]);
    };
    return seen;
  }

  it('rolls back at the end of the grace time what a rejoin has replaced', async () => {
    world.kafka.log('t/0', ['a']);
    const seen = hold();
    await world.start();
    await world.until('the handler runs', () => seen.entered);
    world.kafka.join('t/0');

    await world.consumer.stop(50);

    expect(seen.aborted).toBe(true);
  });

  it('pauses everything while it stops: no batch is fetched again and again', async () => {
    world.kafka.log('t/0', ['a', 'b']);
    world.kafka.batchSize = 1;
    const seen = hold();
    await world.start();
    await world.until('the handler runs', () => seen.entered);

    const stopped = world.consumer.stop(10_000);
    const handed = world.kafka.handed.length;
    expect([...world.kafka.paused]).toEqual(['t/0']);
    for (let round = 0; round < 20; round++) await world.kafka.round();
    release();
    await stopped;

    expect(world.kafka.handed).toHaveLength(handed);
  });

  it('stops without waiting for a broker that cannot be reached', async () => {
    world.kafka.connects = () => new Promise(() => {});
    const starting = world.start();
    await world.kafka.round();

    await world.consumer.stop(10_000);
    await starting;

    expect(world.consumer.health()).toMatchObject({ status: 'down', reason: 'stopped' });
  });

  it('stops while a claim waits for an answer, and opens no connection afterwards', async () => {
    world.kafka.log('t/0');
    let answer: () => void = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    world.kafka.adminAnswers = () => answered;
    await world.start();
    await world.until('a claim asks', () => world.kafka.adminRequests > 0);

    await world.consumer.stop(20);
    answer();
    for (let round = 0; round < 20; round++) await world.kafka.round();

    expect(world.kafka.admins).toBe(0);
  });

  it('stops though the broker does not answer when it leaves', async () => {
    world.kafka.log('t/0');
    await world.start();
    await world.claimed('t/0');
    world.kafka.disconnects = () => new Promise(() => {});

    await world.consumer.stop(20);

    expect(world.lines.join('\n')).toContain('Kafka does not answer');
  });

  it('does not throw at what kafkajs has already dropped when a batch ends', async () => {
    world.kafka.log('t/0', ['a', 'b', 'c']);
    const seen = hold();
    const thrown: unknown[] = [];
    const listener = (error: unknown) => void thrown.push(error);
    process.on('uncaughtException', listener);
    await world.start({ events: 2 });
    await world.until('the handler runs', () => seen.entered);

    world.kafka.dropGroup();
    release();
    await world.until('all are done', () => world.done.length === 3);
    await new Promise((resolve) => setImmediate(resolve));

    process.off('uncaughtException', listener);
    expect(thrown).toEqual([]);
    expect(world.lines).toEqual([]);
  });

  it('replaces a kafkajs that crashed, is down meanwhile, and goes on', async () => {
    const log = world.kafka.log('t/0', ['a']);
    await world.start();
    await world.until('a is done', () => world.done.length === 1);

    world.kafka.crash();
    log.values.push('b');
    expect(world.consumer.health()).toMatchObject({
      status: 'down',
      reason: expect.stringMatching(/on purpose/),
    });
    await world.until('b is done', () => world.done.length === 2);

    expect(world.kafka.lives).toBe(2);
    expect(world.consumer.health()).toMatchObject({ status: 'up' });
  });

  it('is down when no heartbeat has succeeded for a session, and up with the next', async () => {
    world.kafka.log('t/0');
    await world.start();
    await world.claimed('t/0');

    world.kafka.answersHeartbeats = false;
    await world.clock.advance(10_000);
    expect(world.consumer.health().status).toBe('up');
    await world.clock.advance(1);
    expect(world.consumer.health()).toMatchObject({
      status: 'down',
      reason: expect.stringMatching(/heartbeat.*10001 ms/),
    });

    world.kafka.answersHeartbeats = true;
    await world.kafka.heartbeat();
    expect(world.consumer.health().status).toBe('up');
  });

  it('is down when a rebalance lasts longer than it may, and not before', async () => {
    world.kafka.log('t/0');
    await world.start();
    await world.claimed('t/0');

    world.kafka.answersHeartbeats = false;
    world.kafka.rebalance();
    await world.clock.advance(30_000);
    expect(world.consumer.health().status).toBe('up');
    await world.clock.advance(1);

    expect(world.consumer.health()).toMatchObject({
      status: 'down',
      reason: expect.stringMatching(/rebalancing/),
    });
  });
});

describe('what is acknowledged to the broker', () => {
  let world: ConsumerWorld;

  beforeEach(() => {
    world = new ConsumerWorld();
    world.kafka.assignment = ['t/0', 't/1'];
    world.kafka.log('t/0', ['a']);
    world.kafka.log('t/1', ['b']);
  });

  afterEach(async () => {
    await world.consumer.stop(100);
  });

  it('is sent again where the broker refused it, though nothing new arrives', async () => {
    world.kafka.refusesCommits = true;
    await world.start();
    await world.until('a commit was refused', () => world.kafka.commits.length > 0);

    world.kafka.refusesCommits = false;

    await world.until('both are committed', () => world.kafka.committed.size === 2);
    expect([...world.kafka.committed].sort()).toEqual([
      ['t/0', '1'],
      ['t/1', '1'],
    ]);
  });

  it('is forgotten of a partition that went elsewhere, also when it comes back', async () => {
    world.kafka.refusesCommits = true;
    await world.start();
    await world.until('both were refused', () => new Set(world.kafka.commits).size === 2);

    world.kafka.join('t/1');
    await goesOnElsewhere();
    world.kafka.join('t/0', 't/1');
    world.kafka.refusesCommits = false;
    world.kafka.commits.length = 0;
    await world.until('the other is committed', () => world.kafka.committed.has('t/1'));
    await world.until('it is claimed again', async () => (await world.fence('t/0'))!.owner !== 'elsewhere');

    expect(world.kafka.commits).toEqual(['t/1=1']);
    expect(world.kafka.committed.get('t/0')).toBe('2');
  });

  /** The new owner of t/0 handles and acknowledges one more record. */
  async function goesOnElsewhere(): Promise<void> {
    const key = { group: 'g', topic: 't', partition: 0 };
    world.kafka.logs.get('t/0')!.values.push('c');
    await world.storage.fences.claim(key, 'elsewhere', 0n);
    await world.storage.fences.reposition(key, 'elsewhere', 2n, false);
    world.kafka.committed.set('t/0', '2');
  }

  it('is no longer sent once kafkajs has crashed', async () => {
    world.kafka.refusesCommits = true;
    await world.start();
    await world.until('both were refused', () => new Set(world.kafka.commits).size === 2);

    world.kafka.crash();
    world.kafka.refusesCommits = false;
    world.kafka.commits.length = 0;
    await world.until('it goes on', () => world.kafka.lives === 2 && world.consumer.health().status === 'up');

    expect(world.kafka.commits).toEqual([]);
  });
});
