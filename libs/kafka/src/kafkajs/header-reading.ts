/**
 * Lets kafkajs read a record's headers in one pass. Step 3 of an event's life.
 *
 * Up to 2.2.4 it copies all headers for each header: a record of 10,000 keeps the process busy for a minute, in which no
 * heartbeat leaves, so that the group takes the partition away before the record was seen, again and again. The method
 * that is replaced reads nothing but lists of headers, and what comes out is what kafkajs means to make of them.
 */
import { createRequire } from 'node:module';

type Values = Record<string, Buffer | Buffer[]>;

interface Header {
  readonly key: string;
  readonly value: Buffer;
}

interface Decoder {
  readVarIntArray(reader: (decoder: Decoder) => Header): { reduce(merge: unknown, empty: Values): Values };
}

const inKafkajs = 'kafkajs/src/protocol/decoder.js';
const absent = new Set(['MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED']);
const done = new WeakSet<Decoder>();

/** False where this kafkajs has no such method in the place where it was: then it reads as it always did. */
export function readHeadersInOnePass(): boolean {
  const decoder = kafkajsDecoder();
  if (decoder === null) return false;
  if (done.has(decoder)) return true;
  const read = decoder.readVarIntArray;
  decoder.readVarIntArray = function (reader) {
    const headers = read.call(this, reader) as unknown as Header[];
    return { reduce: () => merged(headers) };
  };
  done.add(decoder);
  return true;
}

function kafkajsDecoder(): Decoder | null {
  const load = createRequire(import.meta.url);
  try {
    const { prototype } = load(inKafkajs) as { prototype?: Partial<Decoder> };
    return typeof prototype?.readVarIntArray === 'function' ? (prototype as Decoder) : null;
  } catch (error) {
    if (absent.has((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** The values of a name that came several times are a list. A name is never one of the prototype's members. */
function merged(headers: readonly Header[]): Values {
  const values = new Map<string, Buffer | Buffer[]>();
  for (const { key, value } of headers) {
    const known = values.get(key);
    if (known === undefined) values.set(key, value);
    else if (Array.isArray(known)) known.push(value);
    else values.set(key, [known, value]);
  }
  return Object.fromEntries(values);
}
