import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConsumerWorld } from './consumer-world.js';

describe('a claim that outlives its join', () => {
  const key = { group: 'g', topic: 't', partition: 0 };
  let world: ConsumerWorld;
  let release: () => void;

  /** A fence at 5, a group that stands at 2. */
  beforeEach(async () => {
    world = new ConsumerWorld();
    world.kafka.assignment = ['t/0'];
    world.kafka.log('t/0', ['a', 'b', 'c', 'd', 'e', 'f']);
    world.kafka.log('t/1');
    world.kafka.committed.set('t/0', '2');
    await world.storage.fences.claim(key, 'before', 5n);
  });

  afterEach(async () => {
    release();
    await world.consumer.stop(100);
  });

  /** The claim is in the database, and stands before it sets the fence back. */
  async function startUntil(held: 'asks for the offsets' | 'commits'): Promise<void> {
    const answer = new Promise<void>((resolve) => {
      release = resolve;
    });
    let reached = false;
    const hold = async () => {
      if ((await world.fence('t/0'))!.owner === 'before') return;
      reached = true;
      await answer;
    };
    if (held === 'commits') world.kafka.commitAnswers = hold;
    else world.kafka.adminAnswers = hold;
    await world.start();
    await world.until(`it ${held}`, () => reached);
  }

  it('sets a fence back where it is not over, the broker first', async () => {
    await startUntil('commits');

    expect(await world.fence('t/0')).toMatchObject({ nextOffset: 5n });
    release();

    await world.until('all are done', () => world.done.length === 4);
    expect(world.done).toEqual(['c', 'd', 'e', 'f']);
  });

  it('leaves the fence where kafkajs stops, which then commits nothing and does not say so', async () => {
    await startUntil('asks for the offsets');

    world.kafka.beginStop();
    release();

    await world.until('the claim fails', () => world.lines.some((line) => line.includes('claim failed')));
    expect(await world.fence('t/0')).toMatchObject({ nextOffset: 5n });
    expect(world.kafka.commits).toEqual([]);
  });

  it('commits nothing and leaves the fence where the process has joined anew', async () => {
    await startUntil('asks for the offsets');

    world.kafka.join('t/1');
    release();

    await world.until('the claim fails', () => world.lines.some((line) => line.includes('EO_FENCED')));
    expect(await world.fence('t/0')).toMatchObject({ nextOffset: 5n });
    expect(world.kafka.commits).toEqual([]);
  });

  it('leaves the fence where the process joins anew while it commits', async () => {
    await startUntil('commits');

    world.kafka.join('t/1');
    release();

    await world.until('the claim fails', () => world.lines.some((line) => line.includes('EO_FENCED')));
    expect(await world.fence('t/0')).toMatchObject({ nextOffset: 5n });
  });
});
