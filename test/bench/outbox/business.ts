/**
 * The business transactions of the outbox benchmark: order number n pays n cents into account n modulo 10,000, so that no
 * two wait for each other.
 */
import { DataSource, type EntityManager } from 'typeorm';
import { AccountEntity } from '../contestants/account.entity.js';
import { EffectEntity } from '../contestants/effect.entity.js';
import { accounts, type OutboxSetting, orderOf, spareConnections } from './timed-transactions.js';

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
