/**
 * The shop's storage and broker as the show has them: the framework's own, flooded with copies, watched, held when a
 * kill is due, and without their protection where that is to be seen.
 */
import {
  type AdapterDescription,
  type Broker,
  databaseBroker,
  type EventConsumer,
  type Storage,
} from '@exactly-once/core';
import { storageOn } from '@exactly-once/typeorm';
import { DataSource } from 'typeorm';
import { type ShopPorts, takeOverMs } from '../shop.module.js';
import { Chance } from './chance.js';
import { Flood } from './flood.js';
import type { StagePlan } from './messages.js';
import { acknowledgingFirst, withoutInbox } from './unprotected.js';
import type { Watch } from './watch.js';

/** Each event for itself, so that no copy meets its like in one transaction. */
const unprotected: ShopPorts = { dedupCacheSize: 0, batch: { maxEvents: 1 } };

export class StagedPorts {
  readonly #flood: Flood;
  #storage: Storage | null = null;
  #consumer: EventConsumer | null = null;

  constructor(
    readonly plan: StagePlan,
    readonly watch: Watch,
  ) {
    this.#flood = new Flood(new Chance(plan.seed, 'flood'), plan.copies);
  }

  /** What the shop's module is given in place of its own. */
  get ports(): ShopPorts {
    const storage: AdapterDescription<Storage> = {
      inject: [DataSource],
      create: (source: DataSource) => this.#makeStorage(source),
    };
    const broker: AdapterDescription<Broker> = { inject: [], create: () => this.#makeBroker() };
    return { storage, broker, ...(this.plan.unsafe ? unprotected : {}) };
  }

  /** Nothing waits: in the outbox, as a copy, or for a handler. */
  async atRest(): Promise<boolean> {
    const depth = await this.#storage?.outbox.depth();
    return depth?.pending === 0 && this.#flood.waiting === 0 && this.#consumer?.health().lag === 0;
  }

  #makeStorage(source: DataSource): Storage {
    const storage = storageOn(source, { migrate: true });
    this.#storage = this.watch.storage(this.plan.unsafe ? withoutInbox(storage) : storage);
    return this.#storage;
  }

  async #makeBroker(): Promise<Broker> {
    const broker = this.#flood.broker(await databaseBroker({ sessionTimeoutMs: takeOverMs }).create());
    const watched = this.watch.broker(this.plan.unsafe ? acknowledgingFirst(broker) : broker);
    const consumer = watched.consumer.bind(watched);
    watched.consumer = (request) => {
      this.#consumer = consumer(request);
      return this.#consumer;
    };
    return watched;
  }
}
