/**
 * Events that were given up, with everything that a person needs to decide about them. Step 8 of an event's life.
 *
 * Written in the transaction that acknowledges the event, so that it is either here or processed, never both. What was
 * decided is never undone by a second decision: of several at once, one finds the letter.
 */
import type { DiscardDecision } from '../outbox/dead-row-store.js';
import type { Transaction } from '../storage/transaction.js';
import type { ParkScope } from './park-store.js';

/** What it takes to hand the event to its handler again. */
export interface ReplayTarget extends Pick<ParkScope, 'handlerId' | 'keyHash'> {
  /** Under which the inbox knows it; it is recorded there. */
  readonly inboxKey: Uint8Array;
  /** The broker's time of the record. */
  readonly timestampMs: number;
}

/** What a redaction may take out of a letter. */
export interface DeadLetterContent {
  /**
   * All headers as received; values in base64 where they are not UTF-8, or begin with `base64:` themselves, then
   * prefixed `base64:`.
   */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
  /** Messages of the error and its causes, outermost first. */
  readonly errorChain: readonly string[];
}

export interface DeadLetter extends DeadLetterContent {
  /** The handler's name; `null` where the event never got as far as a handler. */
  readonly handler: string | null;
  readonly topic: string;
  readonly partition: number | null;
  readonly offset: bigint | null;
  readonly key: Uint8Array | null;
  /** CloudEvents attributes as far as they could be read. */
  readonly eventId: string | null;
  readonly source: string | null;
  readonly type: string | null;
  readonly code: string;
  readonly attempts: number;
  readonly firstAttemptAtMs: number;
  readonly serviceVersion: string | null;
  /** `null` where no handler can be given it again. */
  readonly target: ReplayTarget | null;
  /** Its headers or its body are not those that came: it can be replayed once somebody has given it a body. */
  readonly redacted: boolean;
  /** The first letter of the event, where this one is of a replay that failed, too. */
  readonly replayOf: bigint | null;
}

/** `dead`: nobody has decided · `replayed`: its handler gets it, or has got it, again · `discarded`: given up for good. */
export type DeadLetterState = 'dead' | 'replayed' | 'discarded';

/** From which state a letter goes to which. */
export const deadLetterMoves: Readonly<Record<DeadLetterState, readonly DeadLetterState[]>> = {
  dead: ['replayed', 'discarded'],
  replayed: [],
  discarded: [],
};

/** Letters that fit all that is said. */
export interface DeadLetterFilter {
  readonly ids?: readonly bigint[];
  /** The name that the handler had, or has now. */
  readonly handler?: string;
  readonly type?: string;
  readonly topic?: string;
  readonly key?: string;
  readonly code?: string;
  /** In the message of its error or of one of its causes. */
  readonly error?: string;
  /** Milliseconds since the epoch: died then or later. */
  readonly fromMs?: number;
  /** Died before. */
  readonly toMs?: number;
  readonly state?: DeadLetterState;
}

/** A letter without what may be large. */
export interface DeadLetterHead
  extends Omit<DeadLetter, keyof DeadLetterContent | 'target' | 'serviceVersion'> {
  /** Grows in the order in which they died. */
  readonly id: bigint;
  /** The outermost message. */
  readonly error: string;
  readonly deadAtMs: number;
  readonly state: DeadLetterState;
  /** How often its body was edited. */
  readonly editCount: number;
  readonly decidedBy: string | null;
  /** Of a letter that was discarded. */
  readonly decidedWhy: string | null;
  readonly decidedAtMs: number | null;
}

export interface DeadLetterEdit {
  readonly by: string;
  readonly atMs: number;
  /** What is handled instead of the body that came, from this edit on. */
  readonly body: Uint8Array;
}

/** A whole letter. `body` stays what came, whatever was edited. */
export interface StoredDeadLetter extends DeadLetterHead, DeadLetterContent {
  readonly serviceVersion: string | null;
  readonly target: ReplayTarget | null;
  /** Oldest first; the last one counts. */
  readonly edits: readonly DeadLetterEdit[];
}

/**
 * What a replay did with one letter: `replayed`; `not-dead`: there is none of this id, or somebody has decided about it;
 * `no-handler`: it has no handler, or none that can be handed an event any more; `redacted`: what came is not kept, edit it first;
 * `id-reused`: its id belongs to another event, which was handled.
 */
export type ReplayOutcome = 'replayed' | 'not-dead' | 'no-handler' | 'redacted' | 'id-reused';

export interface ReplayAnswer {
  readonly id: bigint;
  readonly outcome: ReplayOutcome;
}

export interface DeadLetterStore {
  insert(transaction: Transaction, letter: DeadLetter): Promise<void>;
  /** How many letters fit. Default: those about which nobody has decided. */
  count(filter?: DeadLetterFilter): Promise<number>;
  /** The highest id so far; 0 where there is none. */
  lastId(): Promise<bigint>;
  /** Up to `limit` letters after that one (default: from the first), in the order of their events' first letters. */
  list(filter: DeadLetterFilter, limit: number, after?: bigint): Promise<DeadLetterHead[]>;
  find(id: bigint): Promise<StoredDeadLetter | null>;
  /**
   * Moves dead letters into the parked events of their keys, before all that is parked there and in the order of their
   * events' first letters, and with them the letters' state, in one transaction. The first of each key is due at once,
   * the others when those before them are done. The answers come in the order of the ids. Waits for who takes an event
   * of one of those keys out.
   */
  replay(ids: readonly bigint[], by: string): Promise<ReplayAnswer[]>;
  /** Gives dead letters up for good. Resolves with those that were dead; others are left as they are. */
  discard(ids: readonly bigint[], decision: DiscardDecision): Promise<bigint[]>;
  /** Gives a dead letter another body; false where it is not dead. What it had before is kept. */
  edit(id: bigint, body: Uint8Array, by: string): Promise<boolean>;
  /** Deletes at most `limit` letters that were decided about longer ago than that, and returns how many. Never a dead one. */
  deleteDecided(olderThanMs: number, limit: number): Promise<number>;
}

/** What decides whether a letter can be replayed. `handled`: a handler of its id is there, and not retired. */
export interface Replayable extends Pick<DeadLetter, 'code' | 'redacted'> {
  readonly state: DeadLetterState;
  readonly editCount: number;
  readonly handled: boolean;
}

/** What a replay does with a letter; `undefined` is one that is not there. */
export function replayOutcome(letter: Replayable | undefined): ReplayOutcome {
  if (letter?.state !== 'dead') return 'not-dead';
  if (!letter.handled) return 'no-handler';
  if (letter.code === 'EO_ID_REUSED') return 'id-reused';
  return letter.redacted && letter.editCount === 0 ? 'redacted' : 'replayed';
}

/**
 * Where a replayed letter stands among the parked events: before all that were parked as they came. However often its
 * replay fails, it is the place of its event's first letter: at most one letter of an event is dead.
 */
export function replayPosition({ id, replayOf }: Pick<DeadLetterHead, 'id' | 'replayOf'>): bigint {
  return (replayOf ?? id) - replayShift;
}

/** The first letter of the event at that position; `null` where it was parked as it came. */
export function replayedLetter(position: bigint): bigint | null {
  return position < 0n ? position + replayShift : null;
}

const replayShift = 2n ** 62n;
