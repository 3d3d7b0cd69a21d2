/**
 * Sees each statement of a handler where it leaves for the database: pg's client, and the doors of TypeORM above it.
 *
 * Prototypes are surrounded while a watched storage is open, and given back with the last one. Only code inside of a
 * watched handler call notices.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { AmbientValue, ExactlyOnceError, hasCode, isThenable } from '@exactly-once/core';
import { callSite } from './call-site.js';
import { currentCall, type HandlerCall, inCall, type Operation } from './handler-call.js';

// biome-ignore lint/suspicious/noExplicitAny: methods of other packages
type Method = (this: any, ...parameters: any[]) => any;
type Prototype = Record<string, unknown>;

/** What is looked at of a TypeORM DataSource. */
export interface WatchedDataSource {
  readonly manager: object;
  readonly driver: {
    readonly postgres?: {
      readonly Client?: { readonly prototype: object };
      readonly Pool?: { readonly prototype: object };
    };
  };
}

interface Patch {
  users: number;
  readonly originals: Map<string, unknown>;
}

/** Filled with the client that runs the first statement. */
export interface ClientBox {
  client: object | null;
}

const patches = new Map<Prototype, Patch>();
const seeking = new AmbientValue<ClientBox>();
/** Of an EntityManager: they give no promise, or only hand out something. */
const passive =
  /^(constructor|create|createQueryBuilder|merge|hasId|getId|get\w*Repository|withRepository|release)$/;

/** Remembers in `box` which client `work` runs its first statement on. */
export function seekClient<T>(box: ClientBox, work: () => T): T {
  return seeking.run(box, work);
}

/** Surrounds the classes that the DataSource is made of; the function gives them back. */
export function watchDriver(dataSource: WatchedDataSource): () => void {
  const { Client, Pool } = dataSource.driver.postgres ?? {};
  const client = Client?.prototype as Prototype | undefined;
  const pool = Pool === undefined ? null : prototypeWith(Pool.prototype, 'totalCount');
  const manager = prototypeWith(dataSource.manager, 'transaction');
  const source = prototypeWith(dataSource, 'createQueryRunner');
  const ends = [
    client === undefined ? null : patch(client, ['query'], watchedQuery),
    pool === null ? null : patch(pool, ['query', 'connect'], placedOperation),
    manager === null ? null : patch(manager, activeMethods(manager), watchedOperation),
    source === null ? null : patch(source, ['query'], watchedOperation),
  ];
  return () => {
    for (const end of ends.splice(0)) end?.();
  };
}

/** The `pg` of the user's project, for a storage that has no DataSource; `null` where it is not installed. */
export function installedPg(): WatchedDataSource | null {
  try {
    const postgres = createRequire(join(process.cwd(), 'package.json'))('pg') as never;
    return { manager: {}, driver: { postgres } };
  } catch {
    return null;
  }
}

function patch(prototype: Prototype, names: string[], watched: typeof watchedQuery): () => void {
  const present = patches.get(prototype) ?? { users: 0, originals: new Map<string, unknown>() };
  patches.set(prototype, present);
  if (present.users++ === 0) {
    for (const name of names) {
      present.originals.set(name, prototype[name]);
      prototype[name] = watched(prototype[name] as Method, name);
    }
  }
  return () => {
    if (--present.users > 0) return;
    patches.delete(prototype);
    for (const [name, original] of present.originals) prototype[name] = original;
  };
}

function activeMethods(prototype: Prototype): string[] {
  return Object.getOwnPropertyNames(prototype).filter((name) => {
    const { value } = Object.getOwnPropertyDescriptor(prototype, name)!;
    return typeof value === 'function' && !passive.test(name);
  });
}

function prototypeWith(of: object, method: string): Prototype | null {
  for (let one: object | null = Object.getPrototypeOf(of); one !== null; one = Object.getPrototypeOf(one)) {
    if (Object.hasOwn(one, method)) return one as Prototype;
  }
  return null;
}

/** pg's `query`: with a promise, with a callback, or with an object that submits itself. */
function watchedQuery(original: Method, _name: string): Method {
  return function query(...parameters) {
    const box = seeking.current();
    if (box !== undefined) box.client ??= this;
    const running = currentCall();
    if (running === undefined || box !== undefined) return original.apply(this, parameters);
    const { call, operation } = running;
    const [given] = parameters as [string | { text?: string } | undefined];
    const sql = String(typeof given === 'object' ? given.text : given);
    if (running.outside) {
      call.observer.outside?.(call, sql);
      return original.apply(this, parameters);
    }
    try {
      const isOwn = call.client === this;
      const site = () => callSite() ?? operation?.site ?? null;
      if (isOwn) call.observer.statement?.(call, sql, operation?.site ?? site());
      else call.observer.elsewhere?.(call, sql, operation?.site ?? site());
    } catch (error) {
      return refused(error, parameters);
    }
    return original.apply(this, parameters);
  };
}

function refused(error: unknown, parameters: readonly unknown[]): unknown {
  const callback = parameters.findLast((one) => typeof one === 'function') as
    | ((error: unknown) => void)
    | undefined;
  if (callback === undefined) return Promise.reject(error);
  process.nextTick(callback, error);
  return undefined;
}

/** Knows where it was called from, which its callbacks do not. */
function placedOperation(original: Method, what: string): Method {
  return function operation(...parameters) {
    const running = currentCall();
    if (running === undefined || running.outside) return original.apply(this, parameters);
    const { call, operation: outer } = running;
    return inCall(call, () => original.apply(this, parameters), {
      what,
      site: callSite() ?? outer?.site ?? null,
    });
  };
}

/** Likewise, and is unfinished until it is answered. */
function watchedOperation(original: Method, what: string): Method {
  return function operation(...parameters) {
    const running = currentCall();
    if (running === undefined || running.outside) return original.apply(this, parameters);
    const { call, operation: outer } = running;
    const late = call.ended && outer === null;
    const own: Operation = { what, site: callSite() ?? outer?.site ?? null, late };
    const result: unknown = inCall(call, () => original.apply(this, parameters), own);
    return isThenable(result) ? finishing(call, own, result) : result;
  };
}

function finishing(
  call: HandlerCall,
  operation: Operation,
  result: PromiseLike<unknown>,
): PromiseLike<unknown> {
  call.unfinished.add(operation);
  return result.then(
    (value) => {
      call.unfinished.delete(operation);
      return value;
    },
    (error: unknown) => {
      call.unfinished.delete(operation);
      const told = call.ended ? located(error, call, operation) : error;
      if (operation.late && hasCode(told, 'EO_TRANSACTION_ENDED'))
        call.observer.late?.(call, told as ExactlyOnceError);
      throw told;
    },
  );
}

/** Says of a write that came after its event's end where it stands. */
function located(error: unknown, { handler }: HandlerCall, { what, site }: Operation): unknown {
  if (!hasCode(error, 'EO_TRANSACTION_ENDED') || site === null) return error;
  const message = `${handler} called ${what} at ${site}, and its event ended before that was done`;
  return new ExactlyOnceError('EO_TRANSACTION_ENDED', message, { cause: error, details: { site } });
}
