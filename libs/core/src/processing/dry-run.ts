/**
 * Hands a dead letter's event to its handler in a transaction that is always rolled back, and says what the handler
 * would have written and published. Step 8 of an event's life.
 *
 * Nothing of it commits: not the handler's writes, not what it published, and no record of the event. What the handler
 * does outside of the transaction is done.
 */
import type { Delivery } from '../broker/delivery.js';
import { ExactlyOnceError, errorChain, failureCode } from '../errors/exactly-once-error.js';
import type { EventEnvelope } from '../event/event-envelope.js';
import { readEvent } from '../event/event-reader.js';
import type { StoredDeadLetter } from '../failure/dead-letter-store.js';
import { receivedHeaders } from '../failure/dead-letter-writer.js';
import { type Transaction, writtenEntries } from '../storage/transaction.js';
import type { WrittenRows } from '../storage/written-rows.js';
import { preparedPayload } from './batch-payloads.js';
import { type HandlerDirectory, handlerUnit } from './batch-plan.js';
import { GroupInterrupt } from './call-end.js';
import { translated } from './group-handling.js';
import type { GroupParts } from './group-request.js';
import { CallCutOff, callHandler } from './handler-call.js';
import type { RegisteredHandler } from './registered-handler.js';

export interface DryRunParts {
  readonly group: GroupParts;
  readonly directory: HandlerDirectory;
  /** Aborts when the handler is to be rolled back at once. */
  readonly aborted: AbortSignal;
}

export interface DryRun {
  /** `null` where the handler succeeded; else nothing is known of what it would have written. */
  readonly failure: DryRunFailure | null;
  /** Rows of the user's tables; `null` where the database does not count them. */
  readonly rows: readonly WrittenRows[] | null;
  /** What would be published, in order. */
  readonly published: readonly EventEnvelope[];
}

export interface DryRunFailure {
  readonly code: string;
  /** Messages of the error and its causes, outermost first. */
  readonly errorChain: readonly string[];
}

/** Throws EO_OPTION_INVALID where no handler of this process can be given the letter's event. */
export async function dryRun(parts: DryRunParts, letter: StoredDeadLetter): Promise<DryRun> {
  const handler = handlerOf(parts, letter);
  const { storage, idleTimeoutMs, isolation } = parts.group;
  const statementTimeoutMs = Math.max(1_000, handler.timeoutMs);
  const transaction = await storage.begin({ idleTimeoutMs, statementTimeoutMs, isolation, shared: false });
  try {
    const count = await storage.countRows?.(transaction);
    await call(parts, handler, transaction, letter);
    const rows = (await count?.()) ?? null;
    return { failure: null, rows, published: writtenEntries(transaction.outgoing).map(({ event }) => event) };
  } catch (thrown) {
    const reason = thrown instanceof CallCutOff ? thrown.reason : (transaction.fault ?? thrown);
    const error = translated(storage, reason);
    const code = failureCode(error);
    return { failure: { code, errorChain: errorChain(error) }, rows: null, published: [] };
  } finally {
    await transaction.rollback();
  }
}

function handlerOf({ directory }: DryRunParts, { id, handler, target }: StoredDeadLetter): RegisteredHandler {
  const handlers = [...directory.byType.values()].flat();
  const found = handlers.find(({ known }) => known.id === target?.handlerId);
  if (found !== undefined) return found;
  const what = `dead letter ${id}: its handler (${handler ?? 'none'}) is none of this process, or cannot be called from here`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

async function call(
  { group, directory, aborted }: DryRunParts,
  handler: RegisteredHandler,
  transaction: Transaction,
  letter: StoredDeadLetter,
): Promise<void> {
  const delivery = deliveryOf(letter);
  const event = readEvent(delivery, directory.mappings);
  const unit = { ...handlerUnit(0, delivery, event, handler), attempts: letter.attempts };
  const payloads = handler.batch && [await preparedPayload(group, unit, aborted)];
  const interrupt = new GroupInterrupt();
  const how = { transaction, savepoint: false, beside: false, interrupt, dryRun: true };
  await interrupt.during(aborted, () =>
    callHandler(group, { handler, events: [{ unit, event }], payloads, ...how }),
  );
}

/** As it came, with the last body that somebody gave it. */
function deliveryOf({
  topic,
  partition,
  offset,
  key,
  headers,
  body,
  edits,
  target,
}: StoredDeadLetter): Delivery {
  return {
    ...{ topic, key, partition: partition ?? 0, offset: offset ?? 0n },
    headers: receivedHeaders(headers),
    body: edits.at(-1)?.body ?? body,
    timestampMs: target!.timestampMs,
  };
}
