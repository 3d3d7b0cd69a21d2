/**
 * The business transactions of the outbox benchmark, and how they are timed: order number n pays n cents into account
 * n modulo 10,000, so that no two wait for each other.
 */
import { DataSource, type EntityManager } from 'typeorm';
import { AccountEntity } from '../contestants/account.entity.js';
import { EffectEntity } from '../contestants/effect.entity.js';

/** The setting of a contestant, as JSON. */
export interface OutboxSetting {
  /** How the event is published. */
  readonly way: 'none' | 'outbox' | 'within' | 'pg-transactional-outbox' | 'nestjs-outbox';
  /** A select, an update and an insert; or an insert alone. */
  readonly work: '' | '-single';
  /** Connections, each with a transaction at a time. */
  readonly count: number;
}

export const accounts = 10_000;
/** Transactions before those that are timed. */
export const warmUps = 2_000;
/** Connections that are left for what a process does beside them. */
export const spareConnections = 2;

export function orderOf(number: number) {
  return { orderId: `order-${number}`, cents: number };
}

/** Not yet initialized; for `count` transactions at a time. */
export function businessSource(databaseUrl: string, count: number): DataSource {
  return new DataSource({
    type: 'postgres',
    url: databaseUrl,
    poolSize: count + spareConnections,
    entities: [AccountEntity, EffectEntity],
  });
}

export async function business(
  manager: EntityManager,
  work: OutboxSetting['work'],
  number: number,
): Promise<void> {
  if (work === '') {
    const { id } = await manager.findOneByOrFail(AccountEntity, { id: number % accounts });
    await manager.increment(AccountEntity, { id }, 'cents', number);
  }
  await manager.insert(EffectEntity, orderOf(number));
}

/** Runs the warm-ups and then transactions 1 to `events` after them, and tells the run when these begin and end. */
export async function timed(
  count: number,
  events: number,
  transact: (number: number) => Promise<unknown>,
): Promise<void> {
  let next = 1;
  const upTo = async (last: number) => {
    while (next <= last) await transact(next++);
  };
  const together = (last: number) => Promise.all(Array.from({ length: count }, () => upTo(last)));
  await together(warmUps);
  process.send?.(Date.now());
  await together(warmUps + events);
  process.send?.(Date.now());
}
