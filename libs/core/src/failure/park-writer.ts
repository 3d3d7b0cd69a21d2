/**
 * Makes a unit's parked event and the unit of a parked event, and says which units wait behind parked ones. Step 8 of an event's life.
 *
 * What has no key, or whose handler wants none, has no order and waits behind nobody.
 */
import { createHash } from 'node:crypto';
import { ExactlyOnceError, errorChain, failureCode } from '../errors/exactly-once-error.js';
import { readEvent } from '../event/event-reader.js';
import { type HandlerDirectory, handlerUnit, unitLabel, unreadableUnit } from '../processing/batch-plan.js';
import type { HandlerUnit } from '../processing/handler-unit.js';
import type { RegisteredHandler } from '../processing/registered-handler.js';
import type { Transaction } from '../storage/transaction.js';
import type { ParkedEntry, ParkedEvent, ParkScope, ParkStore } from './park-store.js';

export function parkedEventOf(unit: HandlerUnit, error: Error, nowMs: number): ParkedEvent {
  const { partition, offset, key, headers, body, timestampMs } = unit.delivery;
  return {
    ...scopeOf(unit),
    ...{ partition, offset, key, headers, body, timestampMs },
    inboxKey: unit.key,
    code: failureCode(error),
    errorChain: errorChain(error),
    attempts: unit.attempts,
    deaths: unit.deaths,
    firstAttemptAtMs: unit.firstAttemptAtMs === 0 ? nowMs : unit.firstAttemptAtMs,
    nextAttemptAtMs: unit.nextAttemptAtMs,
  };
}

/** Where it cannot be read any more, its event is `null` and it is hopeless. */
export function unitOfParked(
  entry: ParkedEntry,
  handler: RegisteredHandler,
  { mappings }: HandlerDirectory,
): HandlerUnit {
  const { attempts, deaths, firstAttemptAtMs } = entry;
  const past = { attempts, deaths, firstAttemptAtMs };
  try {
    return { ...handlerUnit(0, entry, readEvent(entry, mappings), handler), ...past };
  } catch (error) {
    return { ...unreadableUnit(0, entry, handler.known, error), handler, ...past };
  }
}

/** Units that must not be handled now, because an earlier event of their key is parked for their handler. */
export async function unitsBehindParked(
  store: ParkStore,
  transaction: Transaction,
  units: readonly HandlerUnit[],
): Promise<Map<HandlerUnit, ExactlyOnceError>> {
  const scopes = new Map<string, { scope: ParkScope; units: HandlerUnit[] }>();
  for (const unit of units) {
    if (unit.handler === null || !hasOrder(unit)) continue;
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

/** SHA-256 of the key; of an event without one, or without order, of its position. */
export function keyHashOf(unit: HandlerUnit): Uint8Array {
  const { partition, offset, key } = unit.delivery;
  const hash = createHash('sha256');
  if (hasOrder(unit)) hash.update('key ').update(key!);
  else hash.update(`none ${partition}@${offset}`);
  return hash.digest();
}

function scopeOf(unit: HandlerUnit): ParkScope {
  return { handlerId: unit.known.id, topic: unit.delivery.topic, keyHash: keyHashOf(unit) };
}

function hasOrder({ handler, delivery }: HandlerUnit): boolean {
  return delivery.key !== null && handler?.order !== 'none';
}

function waits(unit: HandlerUnit): ExactlyOnceError {
  return new ExactlyOnceError('EO_KEY_PARKED', `${unitLabel(unit)} waits behind a parked event of its key`);
}
