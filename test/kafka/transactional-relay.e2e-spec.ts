import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../services/ports.js';
import { type Point, points } from './stoppable.js';
import { TransactionalRelayWorld } from './transactional-relay-world.js';

describe('a relay that sends in transactions', () => {
  let world: TransactionalRelayWorld;

  beforeAll(async () => {
    world = await TransactionalRelayWorld.open();
  });
  beforeEach(() => world.clear());
  afterEach(() => world.endRelays());
  afterAll(() => world.close());

  const named = (count: number) => Array.from({ length: count }, (_, at) => `e${1_000 + at}`);

  it('puts each event onto the topic once, in order, over many batches', async () => {
    const ids = named(1_000);
    await world.start();
    for (let from = 0; from < ids.length; from += 250) await world.publish(...ids.slice(from, from + 250));

    await world.settled();

    expect(await world.ids()).toEqual(ids);
    expect(await world.ids('read_uncommitted')).toEqual(ids);
  });

  /** What a reader of uncommitted records sees beside: the copy that was taken back. */
  const takenBack = (point: Point) => (point === 'committed' ? [] : ['a', 'b']);
  const each = Object.entries(points).map(([point, text]) => [text, point as Point] as const);

  it.each(each)('sends each event once where one is killed %s', async (_, point) => {
    await world.publish('a', 'b');
    const killed = await world.start(point);
    await until('it has stopped', async () => killed.process.stopped);
    await world.written(2);

    await world.start();
    await world.settled();
    await world.publish('c');
    await world.settled();

    expect(await world.ids()).toEqual(['a', 'b', 'c']);
    expect(await world.ids('read_uncommitted')).toEqual([...takenBack(point), 'a', 'b', 'c']);
  });

  it.each(each)('refuses a zombie that was stopped %s, and goes on when others have', async (_, point) => {
    await world.publish('a', 'b');
    const zombie = await world.start(point);
    await until('it has stopped', async () => zombie.process.stopped);
    await world.written(2);
    await world.start();
    await world.settled();
    await world.publish('c');
    await world.settled();

    zombie.process.goOn();
    const refused = /EO_LEASE_LOST|EO_FENCED|is another's now/;
    await until('it is refused', async () => zombie.log.some((line) => refused.test(line)));
    await world.publish('d');
    await world.settled();

    expect(await world.ids()).toEqual(['a', 'b', 'c', 'd']);
    expect(await world.ids('read_uncommitted')).toEqual([...takenBack(point), 'a', 'b', 'c', 'd']);
  });

  it('settles a batch whose commit was not answered, and does not send it again', async () => {
    let lost = 0;
    const relay = await world.start(null, async (_transaction, commit) => {
      await commit();
      if (lost++ === 0) throw new Error('the answer was lost');
    });
    await world.publish('a', 'b');
    await world.settled();
    await world.publish('c');
    await world.settled();

    expect(relay.log.filter((line) => line.includes('the broker has them'))).toHaveLength(1);
    expect(await world.ids('read_uncommitted')).toEqual(['a', 'b', 'c']);
    expect(await world.ids()).toEqual(['a', 'b', 'c']);
  });

  it('sends a batch again whose commit did not reach the broker', async () => {
    let lost = 0;
    await world.start(null, async (_transaction, commit) => {
      if (lost++ === 0) throw new Error('it went nowhere');
      await commit();
    });
    await world.publish('a', 'b');
    await world.settled();

    expect(await world.ids('read_uncommitted')).toEqual(['a', 'b', 'a', 'b']);
    expect(await world.ids()).toEqual(['a', 'b']);
  });

  it('sends the same ids again where the broker has forgotten how far it was, and settles nothing wrongly', async () => {
    await world.publish('a', 'b');
    const killed = await world.start('committed');
    await until('it has stopped', async () => killed.process.stopped);
    const group = `${world.prefix}.${await world.storage.outbox.name()}.0`;
    await world.kafka.admin((admin) => admin.deleteGroups([group]));

    await world.start();
    await world.settled();

    expect(await world.ids()).toEqual(['a', 'b', 'a', 'b']);
  });

  it('goes on where its progress topic was deleted under it', async () => {
    await world.start();
    await world.publish('a');
    await world.settled();
    await world.kafka.admin((admin) => admin.deleteTopics({ topics: [`${world.prefix}.progress`] }));

    await world.publish('b');
    await world.settled();

    expect(await world.ids()).toEqual(['a', 'b']);
  });
});
