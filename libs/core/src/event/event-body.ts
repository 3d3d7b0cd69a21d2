/**
 * Decodes an event's body for a handler and brings it up to the version that the handler's code knows.
 */
import { ExactlyOnceError, isExactlyOnceError } from '../errors/exactly-once-error.js';
import { isThenable } from '../thenable.js';
import type { EventCodec } from './event-codec.js';
import type { EventEnvelope } from './event-envelope.js';
import type { EventTypeDescriptor } from './event-type.js';

/**
 * The data, or a promise of it where the codec takes its time: one for each event would cost as much as the decoding.
 * Throws what the codec says as an error of ours, for example EO_STORAGE_UNAVAILABLE to have it tried again; else
 * EO_BODY_INVALID (also for a tombstone, which has no body) and EO_VERSION_UNKNOWN. Without a
 * descriptor the body is taken as it is.
 */
export function decodeBody(
  event: EventEnvelope,
  codec: EventCodec,
  descriptor: EventTypeDescriptor | null,
): unknown {
  if (event.body === null) throw new ExactlyOnceError('EO_BODY_INVALID', `${label(event)} is a tombstone`);
  const upcasted = (data: unknown) => (descriptor === null ? data : upcast(data, event, descriptor));
  let data: unknown;
  try {
    data = codec.decode(event.body, event.contentType, event.type);
  } catch (cause) {
    throw undecodable(event, cause);
  }
  if (!isThenable(data)) return upcasted(data);
  const failed = (cause: unknown) => {
    throw undecodable(event, cause);
  };
  return Promise.resolve(data).then(upcasted, failed);
}

function undecodable(event: EventEnvelope, cause: unknown): unknown {
  if (isExactlyOnceError(cause)) return cause;
  const what = `the body of ${label(event)} is not ${event.contentType}`;
  return new ExactlyOnceError('EO_BODY_INVALID', what, { cause });
}

function label({ type, id }: EventEnvelope): string {
  return `event ${type} ${id}`;
}

function upcast(data: unknown, event: EventEnvelope, descriptor: EventTypeDescriptor): unknown {
  const { version, upcasters = {} } = descriptor;
  if (event.version > version) throw unknownVersion(event, `this code knows up to ${version}`);
  let current = data;
  for (let from = event.version; from < version; from++) {
    const step = upcasters[from];
    if (step === undefined) throw unknownVersion(event, `there is no upcaster from ${from}`);
    try {
      current = step(current);
    } catch (cause) {
      if (isExactlyOnceError(cause)) throw cause;
      throw new ExactlyOnceError(
        'EO_BODY_INVALID',
        `upcasting event ${event.id} from version ${from} failed`,
        { cause },
      );
    }
  }
  return current;
}

function unknownVersion(event: EventEnvelope, why: string): ExactlyOnceError {
  return new ExactlyOnceError(
    'EO_VERSION_UNKNOWN',
    `event ${event.type} ${event.id} has version ${event.version}; ${why}`,
  );
}
