/**
 * The relay of an engine and what it sends by, plainly or in transactions of the broker. Step 2 of an event's life.
 *
 * Nothing is opened before `run`; `stop` makes what hangs at the broker fail.
 */
import { randomUUID } from 'node:crypto';
import type { Broker } from '../broker/broker.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import { Relay } from '../relay/relay.js';
import { PlainSending, type Sending } from '../relay/shard-sending.js';
import { TransactionalSending } from '../relay/transactional-sending.js';
import type { SettledOptions, SettledRelay } from './settled-options.js';

interface Way {
  readonly sending: Sending;
  /** Resolves when there is something to send by, or `signal` aborts. */
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

export class Relaying {
  readonly #way: Way;
  readonly #relay: Relay;

  constructor(options: SettledOptions, broker: Broker, settings: SettledRelay) {
    this.#way = settings.transactional
      ? transactionalWay(options, broker, settings)
      : plainWay(options, broker, settings);
    const owner = `${options.service}-${randomUUID()}`;
    this.#relay = new Relay({ ...options, ...settings, sending: this.#way.sending, owner });
  }

  hint(): void {
    this.#relay.hint();
  }

  /** Why publishing stands still, for health; `null` where it does not. */
  stuck(): string | null {
    return this.#relay.stuck();
  }

  /** Until `signal` aborts. Rejects never. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#way.start(signal);
    await this.#relay.run(signal);
  }

  async stop(): Promise<void> {
    await this.#way.stop();
  }
}

function plainWay({ storage }: SettledOptions, broker: Broker, { archiveMs }: SettledRelay): Way {
  const publisher = broker.publisher();
  return {
    sending: new PlainSending(storage, publisher, archiveMs),
    start: (signal) => publisher.start(signal),
    stop: () => publisher.stop(),
  };
}

/** Each shard connects by itself, and is tried again by the relay. */
function transactionalWay(
  { storage, logger }: SettledOptions,
  broker: Broker,
  { archiveMs }: SettledRelay,
): Way {
  const publisher = broker.transactionalPublisher?.();
  if (publisher === undefined) {
    throw new ExactlyOnceError('EO_INTERNAL', `the broker "${broker.name}" has no transactions to relay by`);
  }
  return {
    sending: new TransactionalSending({ outbox: storage.outbox, publisher, logger, archiveMs }),
    start: async () => {},
    stop: () => publisher.stop(),
  };
}
