import { silentLogger } from '@exactly-once/core';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KafkajsClient } from '../../libs/kafka/src/kafkajs/kafkajs-client.js';
import { transactionalId } from '../../libs/kafka/src/transactions/transaction-fences.js';
import { TransactionalProducer } from '../../libs/kafka/src/transactions/transactional-producer.js';
import { until } from '../services/ports.js';
import { TransactionWorld } from './transaction-world.js';

describe('a handler in a Kafka transaction', () => {
  let world: TransactionWorld;

  beforeEach(async () => {
    world = await TransactionWorld.open('transactions');
  });

  afterEach(async () => {
    await world.close();
  });

  const named = (count: number) => Array.from({ length: count }, (_, index) => `n${1_000 + index}`);

  it('publishes once for each input, with the position in the same transaction, in batches, without a database', async () => {
    const names = named(300);
    await world.produce(names);
    const engine = await world.engine();

    await world.drained();

    expect(await world.names()).toEqual(names);
    expect(engine.health()).toMatchObject({ status: 'up', parts: { engine: { status: 'up' } } });
    const ids = (await world.outputs()).map(({ headers }) => headers['ce_id']);
    expect(new Set(ids).size).toBe(names.length);
    const offsets = [...(await world.kafka.ends(world.output)).values()];
    const markers = Number(offsets.reduce((sum, end) => sum + end, 0n)) - names.length;
    expect(markers).toBeLessThan(60);
  });

  it('publishes the same ids where it has to do a batch again', async () => {
    let lost = 0;
    world.atCommit = async (transaction, commit) => {
      if (lost++ > 0) return commit();
      await transaction.abort();
      throw new Error('the answer was lost');
    };
    await world.produce(['a'], { id: 'one' });
    await world.engine();

    await world.drained();

    const [aborted, committed] = await world.outputs('read_uncommitted');
    expect(aborted!.headers['ce_id']).toBe(committed!.headers['ce_id']);
    expect(await world.names()).toEqual(['a']);
  });

  it('goes on behind a commit whose answer was lost, without publishing again', async () => {
    let lost = 0;
    world.atCommit = async (_, commit) => {
      await commit();
      if (lost++ === 0) throw new Error('the answer was lost');
    };
    await world.produce(['a', 'b', 'c'], { partition: 0 });
    await world.engine();

    await world.drained();
    await world.produce(['d'], { partition: 0 });
    await world.drained();

    expect(lost).toBeGreaterThan(1);
    expect((await world.outputs('read_uncommitted')).length).toBe(4);
    expect(await world.names()).toEqual(['a', 'b', 'c', 'd']);
  });

  it.each([
    ['after its successor has gone on', true, []],
    ['before its successor has gone on', false, ['a', 'b']],
  ])('is refused as a zombie that commits %s', async (_, goneOn, published) => {
    let reached = false;
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.atCommit = async (_transaction, commit) => {
      reached = true;
      await held;
      await commit();
    };
    await world.produce(['a', 'b'], { partition: 0 });
    await world.engine();
    await until('it is about to commit', async () => reached);

    const successor = await TransactionalProducer.open({
      client: new KafkajsClient({ kafka: world.kafka.client }),
      logger: silentLogger,
      transactionalId: transactionalId({ group: world.group, topic: world.input, partition: 0 }),
    });
    if (goneOn)
      await successor.commit([], { group: world.group, topic: world.input, partition: 0, next: 2n });
    release();
    await until('it is fenced', async () => world.log.some((line) => line.includes('EO_FENCED')));
    await world.drained();
    await successor.close();

    expect(await world.names()).toEqual(published);
    expect((await world.outputs('read_uncommitted')).length).toBe(published.length + 2);
  });

  it('isolates an event that fails, and buries it in the transaction that commits the position', async () => {
    const calls: string[] = [];
    await world.produce(['a', 'bad', 'c'], { partition: 0 });
    await world.engine(async (name) => {
      calls.push(name);
      if (name === 'bad') throw new Error('it is bad');
    });

    await world.drained();

    expect(await world.names()).toEqual(['a', 'c']);
    expect(calls.filter((name) => name === 'bad').length).toBeGreaterThanOrEqual(2);
    const [letter, ...others] = await world.kafka.dump(world.letters, {
      isolation: 'read_committed',
    });
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      key: 'bad',
      value: '{"name":"bad"}',
      headers: {
        ce_type: 'order.placed',
        eo_code: 'EO_HANDLER_FAILED',
        eo_error: expect.stringContaining('it is bad') as never,
        eo_attempts: '2',
        eo_handler: 'record',
        eo_topic: world.input,
        eo_partition: '0',
        eo_offset: '1',
      },
    });
  });

  it('buries an event whose output the broker refuses, and publishes for its neighbours', async () => {
    await world.produce(['a', 'huge', 'c'], { partition: 0 });
    await world.engine(async (name, _, engine) => {
      if (name !== 'huge') return;
      await engine.outbox.publish(world.recorded, { name: 'x'.repeat(1_200_000) }, { key: name });
    });

    await world.drained();

    expect(await world.names()).toEqual(['a', 'c']);
    const letters = await world.kafka.dump(world.letters, { isolation: 'read_committed' });
    expect(letters.map(({ headers }) => headers['eo_code'])).toEqual(['EO_EVENT_REFUSED']);
  });

  it('waits for a topic that is missing, and loses nothing', async () => {
    const missing = `${world.output}-later`;
    await world.produce(['a', 'b'], { partition: 0 });
    await world.engine(async (name, _, engine) => {
      await engine.outbox.publish({ ...world.recorded, topic: missing }, { name });
    });

    await until('the log names it', async () => world.log.some((line) => line.includes(missing)));
    await world.kafka.createNamedTopic(missing, 1);
    await world.drained();

    expect((await world.kafka.dump(missing, { isolation: 'read_committed' })).length).toBe(2);
    expect(await world.names()).toEqual(['a', 'b']);
  });

  it('publishes once for an event that its producer wrote twice', async () => {
    await world.engine();

    await world.produce(['a'], { partition: 0, id: 'one' });
    await world.drained();
    await world.produce(['a'], { partition: 0, id: 'one' });
    await world.produce(['b'], { partition: 1 });
    await world.drained();

    expect(await world.names()).toEqual(['a', 'b']);
  });

  it('refuses a transaction of the database, with the reason', async () => {
    const refused: unknown[] = [];
    const engine = await world.engine(async (_, __, own) => {
      await own.transaction(async () => {}).catch((error: unknown) => refused.push(error));
    });
    await world.produce(['a']);
    await world.drained();

    expect(refused).toMatchObject([{ code: 'EO_NO_DATABASE' }]);
    await expect(engine.transaction(async () => {})).rejects.toMatchObject({ code: 'EO_NO_DATABASE' });
  });
});
