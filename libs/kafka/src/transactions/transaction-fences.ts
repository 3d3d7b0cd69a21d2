/**
 * The claims of this process on partitions, as core's fences. Steps 3 and 6 of an event's life.
 *
 * They stand with the brokers (transactional id and committed offset), not in a database: what is kept here is only
 * what this process holds.
 */
import type { FenceKey, FenceMove, FenceRow, FenceStore, Transaction } from '@exactly-once/core';
import { KafkaTransaction } from './kafka-transaction.js';
import { TransactionalClaim } from './transactional-claim.js';
import type { TransactionalProducer } from './transactional-producer.js';

export interface FenceParts {
  /** `topic`: that is read from. */
  readonly open: (transactionalId: string, topic: string) => Promise<TransactionalProducer>;
  readonly committed: (key: FenceKey) => Promise<bigint | null>;
}

/** A group has one of these for each partition: a second producer of it is fenced by the brokers. */
export function transactionalId({ group, topic, partition }: FenceKey): string {
  return `${group}/${topic}/${partition}`;
}

export class TransactionFences implements FenceStore {
  readonly #parts: FenceParts;
  readonly #claims = new Map<string, TransactionalClaim>();

  constructor(parts: FenceParts) {
    this.#parts = parts;
  }

  async read(key: FenceKey): Promise<FenceRow | null> {
    const claim = this.#claims.get(transactionalId(key));
    return claim === undefined || claim.over ? null : rowOf(claim);
  }

  async claim(key: FenceKey, owner: string, startOffset: bigint): Promise<FenceRow> {
    const name = transactionalId(key);
    await this.#claims.get(name)?.end();
    const claim = new TransactionalClaim({
      key,
      owner,
      open: () => this.#parts.open(name, key.topic),
      committed: () => this.#parts.committed(key),
    });
    this.#claims.set(name, claim);
    try {
      await claim.begin(startOffset);
    } catch (error) {
      await this.#end(name, claim);
      throw error;
    }
    return rowOf(claim);
  }

  async reposition(key: FenceKey, owner: string, nextOffset: bigint, newLog: boolean): Promise<boolean> {
    const claim = this.#held(key, owner);
    claim?.moveTo(nextOffset, newLog); // for a new log the consumer has committed it
    return claim !== null;
  }

  async advance(transaction: Transaction, { key, owner, expected, next }: FenceMove): Promise<boolean> {
    const claim = this.#held(key, owner);
    if (claim === null || !(transaction instanceof KafkaTransaction)) return false;
    if (transaction.next === expected) {
      transaction.moveTo(claim, next);
      return true;
    }
    if (transaction.next !== null || !(await claim.standsAt(expected))) return false;
    transaction.moveTo(claim, next);
    return true;
  }

  async release(key: FenceKey, owner: string): Promise<void> {
    const claim = this.#held(key, owner);
    if (claim !== null) await this.#end(transactionalId(key), claim);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#claims].map(([name, claim]) => this.#end(name, claim)));
  }

  #held(key: FenceKey, owner: string): TransactionalClaim | null {
    const claim = this.#claims.get(transactionalId(key));
    return claim === undefined || claim.over || claim.owner !== owner ? null : claim;
  }

  async #end(name: string, claim: TransactionalClaim): Promise<void> {
    if (this.#claims.get(name) === claim) this.#claims.delete(name);
    await claim.end();
  }
}

function rowOf({ next, owner }: TransactionalClaim): FenceRow {
  return { nextOffset: next, owner, clean: false, lastFingerprint: null, logGeneration: 1, suspect: null };
}
