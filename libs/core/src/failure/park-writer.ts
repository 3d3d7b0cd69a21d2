/**
 * Makes a unit's parked event, and says which units wait behind parked ones. Step 8 of an event's life.
 *
 * What has no key has no order, and waits behind nobody.
 */
import { createHash } from 'node:crypto';
import type { Delivery } from '../broker/delivery.js';
import { ExactlyOnceError, errorChain, isExactlyOnceError } from '../errors/exactly-once-error.js';
import { unitLabel } from '../processing/batch-plan.js';
import type { HandlerUnit } from '../processing/handler-unit.js';
import type { Transaction } from '../storage/transaction.js';
import type { ParkedEvent, ParkScope, ParkStore } from './park-store.js';

export function parkedEventOf(unit: HandlerUnit, error: Error, nowMs: number): ParkedEvent {
  const { partition, offset, key, headers, body, timestampMs } = unit.delivery;
  return {
    ...scopeOf(unit),
    ...{ partition, offset, key, headers, body, timestampMs },
    inboxKey: unit.key,
    code: isExactlyOnceError(error) ? error.code : 'EO_HANDLER_FAILED',
    errorChain: errorChain(error),
    attempts: unit.attempts,
    deaths: unit.deaths,
    firstAttemptAtMs: unit.firstAttemptAtMs === 0 ? nowMs : unit.firstAttemptAtMs,
  };
}

/** Units that must not be handled now, because an earlier event of their key is parked for their handler. */
export async function unitsBehindParked(
  store: ParkStore,
  transaction: Transaction,
  units: readonly HandlerUnit[],
): Promise<Map<HandlerUnit, ExactlyOnceError>> {
  const scopes = new Map<string, { scope: ParkScope; units: HandlerUnit[] }>();
  for (const unit of units) {
    if (unit.handler === null || unit.delivery.key === null) continue;
    const scope = scopeOf(unit);
    const slot = JSON.stringify([scope.handlerId, scope.topic, Buffer.from(scope.keyHash).toString('hex')]);
    const known = scopes.get(slot);
    if (known === undefined) scopes.set(slot, { scope, units: [unit] });
    else known.units.push(unit);
  }
  const asked = [...scopes.values()];
  const answers = await store.parked(
    transaction,
    asked.map(({ scope }) => scope),
  );
  const behind = asked.flatMap((one, index) => (answers[index] ? one.units : []));
  return new Map(behind.map((unit) => [unit, waits(unit)]));
}

/** SHA-256 of a key; of a record without one, of its position: it has no order with others. */
export function keyHashOf({
  key,
  partition,
  offset,
}: Pick<Delivery, 'key' | 'partition' | 'offset'>): Uint8Array {
  const hash = createHash('sha256');
  return (
    key === null ? hash.update(`none ${partition}@${offset}`) : hash.update('key ').update(key)
  ).digest();
}

function scopeOf({ known, delivery }: HandlerUnit): ParkScope {
  return { handlerId: known.id, topic: delivery.topic, keyHash: keyHashOf(delivery) };
}

function waits(unit: HandlerUnit): ExactlyOnceError {
  return new ExactlyOnceError('EO_KEY_PARKED', `${unitLabel(unit)} waits behind a parked event of its key`);
}
