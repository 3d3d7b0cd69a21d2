/**
 * RabbitMQ for tests: found or started, with queues of the caller's own.
 */
import { randomUUID } from 'node:crypto';
import { type ConfirmChannel, connect } from 'amqplib';
import { dockerRabbitmq } from './docker.js';
import { answers } from './ports.js';

export class RabbitmqServer {
  readonly #queues: string[] = [];

  constructor(
    readonly url: string,
    readonly end: () => Promise<void>,
  ) {}

  /** A name of its own for a queue; whoever consumes declares it. */
  queue(prefix: string): string {
    const queue = `${prefix}-${randomUUID().slice(0, 8)}`;
    this.#queues.push(queue);
    return queue;
  }

  /** A new, empty queue with a name of its own; ends with the server. */
  async createQueue(prefix: string): Promise<string> {
    const queue = this.queue(prefix);
    await this.channel((channel) => channel.assertQueue(queue, { durable: false }));
    return queue;
  }

  /** A channel whose messages are confirmed before it closes: closing alone would drop them. */
  async channel<T>(work: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
    const connection = await connect(this.url);
    try {
      const channel = await connection.createConfirmChannel();
      const result = await work(channel);
      await channel.waitForConfirms();
      return result;
    } finally {
      await connection.close();
    }
  }

  /** Deletes the queues that were made or named here. */
  async deleteQueues(): Promise<void> {
    const queues = this.#queues.splice(0);
    if (queues.length === 0) return;
    await this.channel(async (channel) => {
      for (const queue of queues) await channel.deleteQueue(queue);
    });
  }

  /** Deletes the queues, and ends the server where it was started here. */
  async stop(): Promise<void> {
    await this.deleteQueues();
    await this.end();
  }
}

/** In this order: EO_RABBITMQ_URL, 127.0.0.1:5672, Docker. */
export async function findRabbitmq(): Promise<RabbitmqServer> {
  const given = process.env['EO_RABBITMQ_URL'];
  if (given) return new RabbitmqServer(given, nothing);
  if (await answers('127.0.0.1', 5672))
    return new RabbitmqServer('amqp://guest:guest@127.0.0.1:5672', nothing);
  const container = await dockerRabbitmq();
  if (container !== null)
    return new RabbitmqServer(`amqp://guest:guest@${container.address}`, container.stop);
  throw new Error('no RabbitMQ to be had: set EO_RABBITMQ_URL, start it on 127.0.0.1:5672, or start Docker');
}

async function nothing(): Promise<void> {}
