/**
 * The handler call that running code belongs to, found again through every await. Beside step 5 of an event's life.
 *
 * A call that has ended stays visible to the code that outlived it.
 */
import { AmbientValue, type ExactlyOnceError, type Scope } from '@exactly-once/core';

/** Something that the handler asked of its database and that is not answered yet. */
export interface Operation {
  readonly what: string;
  /** `path:line:column`; `null` where it is not known. */
  readonly site: string | null;
  /** The handler had returned when its code asked for it. */
  readonly late?: boolean;
}

export interface CallObserver {
  /** Before a statement of the handler on its event's own connection. What it throws is the statement's error. */
  statement?(call: HandlerCall, sql: string, site: string | null): void;
  /** Before a statement on any other connection; likewise. */
  elsewhere?(call: HandlerCall, sql: string, site: string | null): void;
  /** Before a statement inside of `ExactlyOnce.outside`. */
  outside?(call: HandlerCall, sql: string): void;
  /** The handler begins when that has resolved. */
  beforeCall?(): Promise<void> | undefined;
  called?(call: HandlerCall): void;
  /** Something was asked of the event's own transaction after its end, and was refused. */
  late?(call: HandlerCall, error: ExactlyOnceError): void;
  /** What it throws is the handler's failure. `failure`: what the handler threw. */
  returned?(call: HandlerCall, failure: { readonly error: unknown } | null): void;
}

export interface HandlerCall {
  readonly handler: string;
  readonly scope: Scope;
  readonly observer: CallObserver;
  /** The driver's client of the event's transaction; `null` where none was seen. */
  readonly client: object | null;
  readonly unfinished: Set<Operation>;
  ended: boolean;
}

interface Running {
  readonly call: HandlerCall;
  readonly operation: Operation | null;
  /** Inside of `ExactlyOnce.outside`: what it writes is not to belong to the event. */
  readonly outside: boolean;
}

const running = new AmbientValue<Running | undefined>();

/** `undefined` outside of any. */
export function currentCall(): Running | undefined {
  return running.current();
}

export function inCall<T>(call: HandlerCall, work: () => T, operation: Operation | null = null): T {
  return running.run({ call, operation, outside: false }, work);
}

export function outsideTransaction<T>(work: () => T): T {
  const now = running.current();
  return now === undefined ? work() : running.run({ ...now, outside: true }, work);
}
