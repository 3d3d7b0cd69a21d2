/**
 * The shop's storage and broker as the show has them: the framework's own, flooded with copies, watched, held when a
 * kill is due, and without their protection where that is to be seen.
 */
import {
  type AdapterDescription,
  type Broker,
  type ConsumerRequest,
  databaseBroker,
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
  #request: ConsumerRequest | null = null;

  constructor(
    readonly plan: StagePlan,
    readonly watch: Watch,
  ) {
    this.#flood = new Flood(new Chance(plan.seed, `flood ${plan.crashes}`), plan.copies);
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

  /**
   * Nothing waits: in the outbox, as a copy, in the log, or in the processor's hands. Asks the database, for after a
   * kill its partitions may still be the dead process's.
   */
  async atRest(): Promise<boolean> {
    const [storage, request] = [this.#storage, this.#request];
    if (storage === null || request === null || this.#flood.waiting > 0 || this.watch.busy) return false;
    const { group, topics } = request;
    if ((await storage.outbox.depth()).pending > 0) return false;
    for (const { topic, partition, next } of await storage.log.ends(topics.map((one) => one.topic))) {
      const fence = await storage.fences.read({ group, topic, partition });
      if ((fence?.nextOffset ?? 0n) < next) return false;
    }
    return this.#flood.waiting === 0 && !this.watch.busy;
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
      this.#request = request;
      return consumer(request);
    };
    return watched;
  }
}
