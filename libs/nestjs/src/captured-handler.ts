/**
 * Stands in a handler's place on its class and sees itself whether the handler was called and how it ended. Step 5
 * of an event's life.
 *
 * Whatever decorators stand above or below, an interceptor answers around this, never inside it.
 */
import { isThenable } from '@exactly-once/core';
import { isObservable, type Observable, tap } from 'rxjs';
import { AbortedByEarlierError, type Capture, currentCapture } from './error-capture.js';
import type { HandlerMark } from './handler-mark.js';

// biome-ignore lint/suspicious/noExplicitAny: any method may be decorated
type Method = (this: any, ...parameters: any[]) => unknown;

/** A method with the metadata, name and own properties of `original`. Called by others, it only passes on. */
export function capturedHandler(original: Method, mark: HandlerMark): Method {
  const handler: Method = function captured(...parameters) {
    const capture = currentCapture();
    if (capture?.mark !== mark) return original.apply(this, parameters);
    return watch(capture, () => original.apply(this, parameters));
  };
  const { prototype: _, ...properties } = Object.getOwnPropertyDescriptors(original);
  Object.defineProperties(handler, properties);
  for (const key of Reflect.getOwnMetadataKeys(original)) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, original), handler);
  }
  return handler;
}

function watch(capture: Capture, call: () => unknown): unknown {
  capture.entered = true;
  const fail = (error: unknown): never => {
    capture.failure ??= { error };
    throw capture.isConsequence(error) ? new AbortedByEarlierError(error) : error;
  };
  try {
    const result = call();
    if (isThenable(result)) return result.then((value) => ended(capture, value), fail);
    return ended(capture, result);
  } catch (error) {
    return fail(error);
  }
}

/** A stream that the handler returned is part of it. */
function ended(capture: Capture, value: unknown): unknown {
  if (!isObservable(value)) {
    capture.completed = true;
    return value;
  }
  return (value as Observable<unknown>).pipe(
    tap({
      error: (error: unknown) => {
        capture.failure ??= { error };
      },
      complete: () => {
        capture.completed = true;
      },
    }),
  );
}
