/**
 * Everything that a run left behind, as plain rows: what was asked for and what can be seen afterwards.
 *
 * Read from the write-ahead record, the database and the dumped topic once all is quiet. Holds no judgement.
 */

/** A handler's name, or `nobody` for messages that no handler can be given. */
export const nobody = '(nobody)';

/**
 * What is to become of a message for a handler. `either`: handled or given up, but one of them, once.
 * `nothing`: it must leave no trace.
 */
export type Fate = 'effect' | 'dead-letter' | 'either' | 'nothing';

/** One attempt to produce, from the write-ahead record. Copies of a message have the same `message`. */
export interface Attempt {
  /** SHA-256 of the body, hexadecimal. Each distinct message has a body of its own. */
  readonly message: string;
  readonly source: string;
  /** Bytes of the id, hexadecimal; `null` where there is none that can be read. */
  readonly id: string | null;
  readonly key: string | null;
  /** Grows by one within (source, key). */
  readonly sequence: number;
  /** `info`: unknown. */
  readonly outcome: 'ok' | 'fail' | 'info';
  /** By handler. */
  readonly fates: Readonly<Record<string, Fate>>;
}

/** A row of one of the two effect tables, which have no unique constraint. */
export interface Effect {
  readonly handler: string;
  readonly source: string;
  readonly id: string;
  readonly message: string;
  readonly key: string | null;
  readonly sequence: number;
  /** Order of insertion. */
  readonly position: number;
}

/** A record on the output topic. */
export interface Output {
  readonly handler: string;
  readonly message: string;
  /** Its own id: a record sent again has the same one. */
  readonly outputId: string;
}

/** A dead letter, or a parked event: given up, and in one of the two places once. */
export interface DeadLetterSeen {
  readonly handler: string;
  readonly message: string;
  readonly code: string;
}

/** `SET v = v + 1` for each event of a key. */
export interface Counter {
  readonly handler: string;
  readonly key: string;
  readonly value: number;
}

/** Whether the inbox holds (handler, source, id). */
export interface InboxEntry {
  readonly handler: string;
  readonly source: string;
  readonly id: string;
}

export interface Observation {
  readonly attempts: readonly Attempt[];
  readonly first: readonly Effect[];
  readonly second: readonly Effect[];
  readonly counters: readonly Counter[];
  readonly outputs: readonly Output[];
  readonly deadLetters: readonly DeadLetterSeen[];
  readonly inbox: readonly InboxEntry[];
  /** What did not end in time, or ended in a way that it must not. */
  readonly stuck: readonly string[];
}
