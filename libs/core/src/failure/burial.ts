/**
 * Writes a unit's dead letter, redacted where the application says so, and publishes it where it names a topic: all in
 * the transaction that acknowledges the event. Step 8 of an event's life.
 *
 * Must not fail for what an application's redaction does: a letter whose redaction threw is kept without what it was to
 * look at.
 */
import type { Clock } from '../clock.js';
import { errorChain } from '../errors/exactly-once-error.js';
import { isOwnHeader } from '../event/cloud-event-headers.js';
import { unitLabel } from '../processing/batch-plan.js';
import type { HandlerUnit } from '../processing/handler-unit.js';
import type { Storage } from '../storage/storage.js';
import type { Transaction } from '../storage/transaction.js';
import type { Logger } from '../telemetry/logger.js';
import { deadLetterEvent } from './dead-letter-message.js';
import type { DeadLetter, DeadLetterContent } from './dead-letter-store.js';
import { deadLetterOf } from './dead-letter-writer.js';

export interface DeadLetterOptions {
  /**
   * Takes out of a letter what may not be kept, before it is stored or published: of what it returns, `headers`, `body` and
   * `errorChain` are taken. What it takes out of headers and body is gone: such a letter is replayed only once somebody has
   * given it a body. The headers that say which event it is (id, source, type, time, version, content type, trace) stay.
   * Events that are parked are not letters yet, and kept as they came. Where it throws, the letter is kept without other
   * headers, body and messages. Default: nothing is taken out.
   */
  readonly redact?: (letter: DeadLetter) => DeadLetterContent;
  /**
   * A topic to which each letter is also published, through the outbox: the event's own headers and body, and what
   * went wrong as `eo_id`, `eo_source`, `eo_handler`, `eo_code`, `eo_error`, `eo_topic`, `eo_partition`, `eo_offset`, `eo_attempts`. Not for handlers with
   * `transaction: 'kafka'`: `kafkaBroker({ deadLetterTopic })` names theirs. Default: none.
   */
  readonly topic?: string;
}

export interface BurialParts {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly serviceVersion: string | null;
  readonly deadLetters: DeadLetterOptions;
}

/** `replayOf`: the letter of which this is the replay that failed, too. */
export async function bury(
  parts: BurialParts,
  transaction: Transaction,
  unit: HandlerUnit,
  error: unknown,
  replayOf: bigint | null = null,
): Promise<void> {
  const { storage, clock, serviceVersion, deadLetters } = parts;
  const letter = { ...deadLetterOf(unit, error, clock.now(), serviceVersion), replayOf };
  const kept = deadLetters.redact === undefined ? letter : redacted(parts, unit, letter, deadLetters.redact);
  await storage.deadLetters.insert(transaction, kept);
  if (deadLetters.topic === undefined) return;
  const event = deadLetterEvent(kept, unit, deadLetters.topic);
  transaction.outgoing.push({ event, deliverAtMs: null });
}

function redacted(
  { logger }: BurialParts,
  unit: HandlerUnit,
  letter: DeadLetter,
  redact: NonNullable<DeadLetterOptions['redact']>,
): DeadLetter {
  const content = contentOf(logger, unit, letter, redact);
  return { ...letter, ...content, redacted: !sameEvent(letter, content) };
}

/** The function gets a copy: what it changes in place is a redaction, too. */
function contentOf(
  logger: Logger,
  unit: HandlerUnit,
  letter: DeadLetter,
  redact: NonNullable<DeadLetterOptions['redact']>,
): DeadLetterContent {
  try {
    const copied = {
      headers: { ...letter.headers },
      body: copyOf(letter.body),
      errorChain: [...letter.errorChain],
    };
    const { headers, body, errorChain: messages } = redact({ ...letter, ...copied });
    const kept = Object.entries(headers).map(([name, text]) => [name, String(text)] as const);
    return {
      headers: Object.assign(Object.fromEntries(kept), envelopeOf(letter)),
      body: copyOf(body),
      errorChain: messages.map(String),
    };
  } catch (error) {
    logger.error(`deadLetters.redact failed for ${unitLabel(unit)}: ${errorChain(error).join(' <- ')}`);
    return {
      headers: envelopeOf(letter),
      body: null,
      errorChain: ['its redaction failed: nothing of it is kept'],
    };
  }
}

/** What says which event it is, without which no body makes it one again. */
function envelopeOf({ headers }: DeadLetter): Record<string, string> {
  const isKept = (name: string) => isOwnHeader(name) || /^trace(parent|state)$/i.test(name);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isKept(name)));
}

function copyOf(body: Uint8Array | null): Uint8Array | null {
  return body === null ? null : Buffer.from(body);
}

/** What is handled again would be what came. */
function sameEvent(letter: DeadLetter, content: DeadLetterContent): boolean {
  const text = ({ headers, body }: DeadLetterContent) =>
    JSON.stringify([
      Object.entries(headers).sort(),
      body === null ? null : Buffer.from(body).toString('base64'),
    ]);
  return text(letter) === text(content);
}
