/**
 * A message that a run produces, with what is to become of it. Made by the runner, carried out by a producer.
 */
import { createHash } from 'node:crypto';
import type { Attempt, Fate } from '../oracles/observation.js';

export type Mark =
  | 'set-local'
  | 'set-session'
  | 'config-session'
  | 'session-lock'
  | 'transaction-lock'
  | 'temporary-left'
  | 'temporary-table';

/** What a handler does on top of its ordinary work. */
export type Act =
  /**
   * Throws, in the handler of this name or in any; `once`: only at the first call; `times`: at so many; `afterMs`: asks
   * to be tried again then; `tellAll`: with the body in its error.
   */
  | {
      readonly kind: 'fail';
      readonly handler?: string;
      readonly once?: boolean;
      readonly times?: number;
      readonly afterMs?: number;
      readonly tellAll?: true;
    }
  /** Gives itself up until the runner has mended what it needs. */
  | { readonly kind: 'broken' }
  /** Catches a duplicate key on a table of its own; `once`: only at the first call. */
  | { readonly kind: 'swallow'; readonly once: boolean }
  /** Returns while a slow write is still running. */
  | { readonly kind: 'unawaited' }
  /** Writes some time after it has returned. */
  | { readonly kind: 'late' }
  /** Ends its process. */
  | { readonly kind: 'kill'; readonly how: 'abort' | 'SIGKILL' }
  /** Takes its time. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** The first call anywhere waits until it is released, then throws or dies. */
  | { readonly kind: 'hold'; readonly then: 'throw' | 'die' }
  /** Adds to a row that events of all partitions share. */
  | { readonly kind: 'hot'; readonly account: number }
  /** Writes outside of its transaction, on a connection that it takes on top of its own. */
  | { readonly kind: 'aside' }
  /** Lets so many slow queries of the application ask for connections; waits for none of them. */
  | { readonly kind: 'crowd'; readonly queries: number; readonly ms: number }
  /** Calls a provider outside of the database: the evidence is the provider's book. */
  | { readonly kind: 'call' }
  /** Publishes a second event of so many bytes, with the headers and the `rest` of its own. */
  | { readonly kind: 'pass-on'; readonly bytes: number }
  /** Merges `rest` without care, and looks at what has become of objects. */
  | { readonly kind: 'merge' }
  /** Leaves something in the session, and looks before for what others have left. */
  | { readonly kind: 'mark'; readonly how: Mark }
  /** Looks for what others have left in the session. */
  | { readonly kind: 'look' }
  /** Breaks a constraint that the database looks at only at COMMIT. */
  | { readonly kind: 'defer' }
  /** Never settles; `once`: only at the first call. */
  | { readonly kind: 'hang'; readonly once: boolean }
  /** For publishers: the transaction stays open after its event is written; `null`: until it is released. */
  | { readonly kind: 'linger'; readonly ms: number | null }
  /** For publishers: rolls the business transaction back after publishing. */
  | { readonly kind: 'roll-back'; readonly how: 'throw' | 'nested' | 'swallow' };

/** The body. */
export interface LedgerData {
  readonly source: string;
  readonly key: string | null;
  readonly sequence: number;
  /** Makes each body distinct. */
  readonly ordinal: number;
  readonly act: Act | null;
  /** Whatever the case adds. */
  readonly rest?: unknown;
}

export interface Message {
  readonly type: string;
  readonly topic: string;
  /** `null`: by the key. */
  readonly partition: number | null;
  readonly key: string | null;
  /** Values in hexadecimal: they need not be text. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** It has no body at all; `body` is empty. */
  readonly tombstone?: true;
  /** As text, for publishers that name their events themselves; `null` where the id is no text. */
  readonly id: string | null;
  readonly attempt: Omit<Attempt, 'outcome'>;
}

export interface MessageRequest {
  readonly type: string;
  readonly topic: string;
  /** Default `shop`. */
  readonly source?: string;
  /** Text, bytes, or `null` for none. Default: a UUID from the ordinal. */
  readonly id?: string | Uint8Array | null;
  readonly key?: string | null;
  readonly partition?: number;
  readonly act?: Act;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON that becomes the body's member `rest`, as it is: it may be broken. */
  readonly rest?: string;
  /** Without a body. One in a run: bodies tell messages apart. */
  readonly tombstone?: true;
  readonly fates: Readonly<Record<string, Fate>>;
}

/** Gives messages their ordinals and sequences. */
export class MessageMint {
  readonly #sequences = new Map<string, number>();
  #ordinal = 0;

  /** `salt` tells the ids of one run from those of another. */
  constructor(readonly salt: string) {}

  make(request: MessageRequest): Message {
    const { type, topic, source = 'shop', key = null, act = null, partition = null, fates } = request;
    const ordinal = this.#ordinal++;
    const id = request.id === undefined ? this.#id(ordinal) : request.id;
    const slot = JSON.stringify([source, key]);
    const sequence = this.#sequences.get(slot) ?? 0;
    this.#sequences.set(slot, sequence + 1);
    const data: LedgerData = { source, key, sequence, ordinal, act };
    const whole = JSON.stringify(data);
    const { rest, tombstone } = request;
    const full = rest === undefined ? whole : `${whole.slice(0, -1)},"rest":${rest}}`;
    const body = tombstone ? '' : full;
    const headers = ceHeaders({ source, type, id, extra: request.headers ?? {} });
    const attempt = { message: fingerprint(body), source, id: hex(id), key, sequence, fates };
    const text = typeof id === 'string' ? id : null;
    const message = { type, topic, partition, key, headers, body, id: text, attempt };
    return tombstone ? { ...message, tombstone } : message;
  }

  #id(ordinal: number): string {
    const digest = createHash('sha256').update(`${this.salt}/${ordinal}`).digest('hex');
    return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
  }
}

/** What identifies a message in every record of a run. */
export function fingerprint(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

function hex(id: string | Uint8Array | null): string | null {
  return id === null ? null : Buffer.from(id as string).toString('hex');
}

function ceHeaders(parts: {
  source: string;
  type: string;
  id: string | Uint8Array | null;
  extra: Readonly<Record<string, string>>;
}): Record<string, string> {
  const { source, type, id, extra } = parts;
  const headers: Record<string, string | Uint8Array> = { ...extra };
  headers['ce_specversion'] = '1.0';
  headers['ce_source'] = source;
  headers['ce_type'] = type;
  if (id !== null) headers['ce_id'] = id;
  headers['content-type'] = 'application/json';
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Buffer.from(value as string).toString('hex')]),
  );
}
