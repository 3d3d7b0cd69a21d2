import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { QueryRunner } from 'typeorm';
import { PostgresConnection } from './postgres-connection.js';

/** Answers each statement a tick later, and counts how many were sent at once. */
class FakeClient extends EventEmitter {
  most = 0;
  #running = 0;
  #cut: (error: Error) => void = () => {};
  readonly connection = {
    stream: {
      destroyed: false,
      destroy: () => {
        this.connection.stream.destroyed = true;
        this.#cut(new Error('Connection terminated unexpectedly'));
      },
    },
  };

  constructor(readonly pipeline = false) {
    super();
  }

  async query(text: string) {
    this.most = Math.max(this.most, ++this.#running);
    await (text === 'unanswered' ? this.#never() : Promise.resolve());
    this.#running--;
    if (text === 'broken') throw new Error('broken');
    return { command: 'SELECT', rowCount: 1, rows: [{ text }] };
  }

  #never(): Promise<void> {
    return new Promise((_, reject) => {
      this.#cut = reject;
    });
  }
}

async function connectionOn(client: FakeClient) {
  const released: (string | undefined)[] = [];
  const runner = {
    connect: async () => client,
    release: async () => void released.push('pool'),
    releasePostgresConnection: async (error?: Error) => void released.push(error?.message),
  };
  const connection = await PostgresConnection.open(() => runner as unknown as QueryRunner);
  return { connection, released };
}

describe('PostgresConnection', () => {
  afterEach(() => void jest.useRealTimers());

  it('sends one statement at a time, also after one that failed', async () => {
    const client = new FakeClient();
    const { connection } = await connectionOn(client);

    const answers = await Promise.allSettled(['a', 'broken', 'b', 'c'].map((text) => connection.query(text)));

    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
    expect(client.most).toBe(1);
    expect(connection.inFlight).toBe(0);
  });

  it('sends statements at once on a pipelining client', async () => {
    const client = new FakeClient(true);
    const { connection } = await connectionOn(client);

    await Promise.all(['a', 'b', 'c'].map((text) => connection.query(text)));

    expect(client.most).toBe(3);
  });

  it('gives the connection back once, and stops listening to it', async () => {
    const client = new FakeClient();
    const { connection, released } = await connectionOn(client);

    await connection.release();
    await connection.release();
    await connection.destroy();

    expect(released).toEqual(['pool']);
    expect(client.listenerCount('error')).toBe(0);
  });

  it('cuts a connection that does not answer in time, and lets nobody have it again', async () => {
    jest.useFakeTimers();
    const client = new FakeClient();
    const { connection, released } = await connectionOn(client);

    const outcome = connection.query('unanswered', [], 5_000).catch((one: unknown) => one);
    jest.advanceTimersByTime(4_999);
    const cutEarly = client.connection.stream.destroyed;
    jest.advanceTimersByTime(1);
    const error = await outcome;
    await connection.release();

    expect(cutEarly).toBe(false);
    expect(error).toMatchObject({ code: 'EO_STORAGE_UNAVAILABLE' });
    expect(released).toEqual([expect.stringContaining('given up')]);
  });

  it('waits for ever where it is to', async () => {
    jest.useFakeTimers();
    const client = new FakeClient();
    const { connection } = await connectionOn(client);

    const errors: unknown[] = [];
    connection.query('unanswered', [], Number.POSITIVE_INFINITY).catch((error) => errors.push(error));
    jest.advanceTimersByTime(86_400_000);

    expect(client.connection.stream.destroyed).toBe(false);
    expect(errors).toEqual([]);
  });

  it('never gives a lost connection back, and names what ended it', async () => {
    const client = new FakeClient();
    const { connection, released } = await connectionOn(client);
    const reason = new Error('terminating connection due to administrator command');

    client.emit('error', reason);
    const error = await connection.query('broken').catch((one: unknown) => one);
    await connection.release();

    expect(error).toMatchObject({ code: 'EO_STORAGE_UNAVAILABLE', cause: reason });
    expect(released).toEqual([expect.stringContaining('given up')]);
  });
});
