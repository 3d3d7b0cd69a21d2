/**
 * Identity: which ids are accepted, the inbox key made of them, and the ids of published events.
 *
 * Ids are compared by their bytes. Nothing here trims, folds, normalises or shortens one: each of these
 * merged distinct events in a database's text column.
 */
import { createHash, hash } from 'node:crypto';
import { v7 } from 'uuid';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';

/** A body up to here is copied, which is cheaper than a hash in several steps. */
const copiedBytes = 16_384;
const end = Uint8Array.of(0);
/** Longest accepted id in bytes of UTF-8. */
export const maxIdBytes = 10_240;
const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const uuidV8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
const ulid = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/i;
const crockford = '0123456789abcdefghjkmnpqrstvwxyz';

/** Throws EO_ID_INVALID for an id that is missing, empty, too long or not well-formed text. */
export function assertValidId(id: string | null): asserts id is string {
  if (id === null) throw new ExactlyOnceError('EO_ID_INVALID', 'the id is missing or not UTF-8');
  if (id === '') throw new ExactlyOnceError('EO_ID_INVALID', 'the id is empty');
  if (!id.isWellFormed()) throw new ExactlyOnceError('EO_ID_INVALID', 'the id has a lone surrogate');
  const bytes = Buffer.byteLength(id);
  if (bytes > maxIdBytes) {
    throw new ExactlyOnceError('EO_ID_INVALID', `the id has ${bytes} bytes`, { details: { bytes } });
  }
}

/** Milliseconds since the epoch that a UUIDv7, our own UUIDv8 or a ULID carries; else `null`. */
export function idTimeMs(id: string): number | null {
  if (uuidV7.test(id) || uuidV8.test(id)) return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
  if (!ulid.test(id)) return null;
  let time = 0;
  for (const digit of id.slice(0, 10).toLowerCase()) time = time * 32 + crockford.indexOf(digit);
  return time;
}

/**
 * 24 bytes: 8 of time (big-endian milliseconds, zero where the id carries none), so that the index grows at
 * its end, then 16 of SHA-256 over handler, source and id, each with its length before it.
 */
export function inboxKey(
  handlerIdentity: string,
  generation: number,
  source: string,
  id: string,
): Uint8Array {
  const key = Buffer.alloc(24);
  key.writeBigUInt64BE(BigInt(idTimeMs(id) ?? 0));
  const parts =
    generation > 1 ? [handlerIdentity, source, id, String(generation)] : [handlerIdentity, source, id];
  digest(parts).copy(key, 8, 0, 16);
  return key;
}

/**
 * Under which another body of a known id is recorded: the key of its handler, source and id, with the body's
 * fingerprint. Of two parts, so that no key of `inboxKey` equals it.
 */
export function reusedIdKey(key: Uint8Array, fingerprint: Uint8Array): Uint8Array {
  const reused = Buffer.from(key);
  digest([reused.toString('hex'), Buffer.from(fingerprint).toString('hex')]).copy(reused, 8, 0, 16);
  return reused;
}

/** First 16 bytes of SHA-256 over the body; a tombstone has a fingerprint of its own. */
export function bodyFingerprint(body: Uint8Array | null): Uint8Array {
  if (body === null) return sha256('tombstone').subarray(0, 16);
  if (body.length > copiedBytes)
    return createHash('sha256').update(body).update(end).digest().subarray(0, 16);
  const ended = Buffer.allocUnsafe(body.length + 1);
  ended.set(body);
  ended[body.length] = 0;
  return sha256(ended).subarray(0, 16);
}

/** A new id for an event that no other event caused: UUIDv7. */
export function newEventId(): string {
  return v7();
}

export interface PublishedIdentity {
  readonly handlerIdentity: string;
  readonly generation: number;
  readonly source: string;
  readonly id: string;
  readonly timeMs: number | null;
  readonly type: string;
  readonly key: string | null;
  readonly ordinal: number;
}

/**
 * The id of an event that a handler publishes: UUIDv8 (RFC 9562) of the source event's time and a hash of who
 * published what, so that a repeated run publishes the same ids.
 */
export function derivedEventId(from: PublishedIdentity): string {
  const bytes = Buffer.alloc(16);
  const time = from.timeMs ?? idTimeMs(from.id) ?? 0;
  bytes.writeUIntBE(Math.min(Math.max(Math.trunc(time), 0), 2 ** 48 - 1), 0, 6);
  const key = from.key === null ? 'none' : `key:${from.key}`;
  const parts = [from.handlerIdentity, String(from.generation), from.source, from.id, from.type, key];
  digest([...parts, String(from.ordinal)]).copy(bytes, 6, 0, 10);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** 32-bit hash of the ordering key (of the id where there is none), for shards. Signed, as databases hold it. */
export function keyHash(key: string | null, id: string): number {
  return digest([key === null ? 'id' : 'key', key ?? id]).readInt32BE(0);
}

/** SHA-256 over the parts, each with its length before it. */
function digest(parts: readonly string[]): Buffer {
  const lengths = parts.map((part) => Buffer.byteLength(part));
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + 4 + length, 0));
  let at = 0;
  for (const [index, part] of parts.entries()) {
    at = bytes.writeUInt32BE(lengths[index]!, at);
    at += bytes.write(part, at);
  }
  return sha256(bytes);
}

/** By way of a string: asked for a buffer, Node makes one outside of its pool, which costs more than the hash. */
function sha256(data: string | Uint8Array): Buffer {
  return Buffer.from(hash('sha256', data, 'binary'), 'binary');
}
