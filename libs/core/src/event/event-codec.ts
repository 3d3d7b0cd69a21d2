/**
 * Turns bodies into bytes and back. JSON by default; Avro or Protobuf can be added by a user.
 *
 * A codec never sees ids or keys, and must be deterministic: the same data gives the same bytes, because a
 * fingerprint of the bytes tells two events that share an id apart.
 */
import { ExactlyOnceError } from '../errors/exactly-once-error.js';

export interface EventCodec {
  /** MIME type that `encode` produces. */
  readonly contentType: string;
  /** May take its time: publications keep the order of their calls. */
  encode(data: unknown, type: string): Uint8Array | Promise<Uint8Array>;
  /**
   * Throws where the bytes are not of this form; the event is then dead-lettered. Where it only cannot say now, for
   * example because its registry is away, it throws an ExactlyOnceError of a code that is tried again
   * (EO_BROKER_UNAVAILABLE), or a RetryAfterError, which counts.
   */
  decode(body: Uint8Array, contentType: string, type: string): unknown;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });
const encoder = new TextEncoder();

/** JSON in UTF-8. Refuses `undefined` and everything else that JSON cannot hold. */
export const jsonCodec: EventCodec = {
  contentType: 'application/json',
  encode(data, type) {
    const text = JSON.stringify(data);
    if (text === undefined) {
      throw new ExactlyOnceError('EO_BODY_UNENCODABLE', `the body of a "${type}" is ${typeof data}`, {
        details: { type },
      });
    }
    return encoder.encode(text);
  },
  decode(body) {
    const text = decoder.decode(body);
    return mayHoldPrototypeKeys.test(text) ? JSON.parse(text, dropPrototypeKeys) : JSON.parse(text);
  },
};

/** Written out, or with an escape anywhere: a reviver costs more than all the rest. */
const mayHoldPrototypeKeys = /__proto__|\\u/;

/** `__proto__` as an own key survives JSON.parse and poisons the first careless merge: it is dropped. */
function dropPrototypeKeys(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value;
}
