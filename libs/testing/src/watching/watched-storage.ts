/**
 * A storage that says what becomes of events in it: calls of handlers, commits, what is parked and what is given up.
 *
 * An observer that throws makes that step fail; the storage itself knows nothing of it. Used in tests and development
 * only.
 */
import {
  type AmbientScope,
  type DeadLetter,
  isThenable,
  type ParkedEvent,
  type Scope,
  type Storage,
  type Transaction,
  type WrittenEntry,
  writtenEntries,
} from '@exactly-once/core';
import {
  type ClientBox,
  installedPg,
  seekClient,
  type WatchedDataSource,
  watchDriver,
} from './driver-watch.js';
import { type CallObserver, type HandlerCall, inCall, outsideTransaction } from './handler-call.js';
import { eachCall, replacing, surrounded } from './surround.js';

/** Steps of a transaction over events, in their order; what they say is for people. */
export type Step =
  | 'before the transaction began'
  | 'after the inbox insert'
  | 'after the handler, before COMMIT'
  | 'after COMMIT, before the acknowledgement';

export interface StorageObserver extends CallObserver {
  /** Before every call but those that end something. What it throws is the call's error. */
  enter?(): void;
  /** What it throws is the step's error; after COMMIT that changes nothing any more. */
  step?(step: Step): void;
  committed?(entries: readonly WrittenEntry[]): void;
  park?(event: ParkedEvent): void;
  bury?(letter: DeadLetter): void;
  /** Every call of the storage and every transaction passes through here. */
  busy?<T>(work: Promise<T>): Promise<T>;
}

const stores = ['inbox', 'fences', 'handlers', 'deadLetters', 'parked', 'log', 'outbox'] as const;

export function watchStorage(storage: Storage, observer: StorageObserver): Storage {
  const clients = new WeakMap<object, ClientBox>();
  const ambient = watchedAmbient(storage.ambient, observer, clients);
  const busy = (call: () => unknown) => {
    observer.enter?.();
    const result = call();
    return isThenable(result) ? (observer.busy?.(Promise.resolve(result)) ?? result) : result;
  };
  const parts: Record<string | symbol, unknown> = { ambient };
  for (const name of stores) parts[name] = eachCall(watchedStore(storage, name, observer), busy);
  let unwatch: (() => void) | null = null;
  const whole = replacing(storage, {
    open: (open) => async () => {
      await open();
      unwatch ??= watchDriverOf(storage);
    },
    close: (close) => async () => {
      try {
        await close();
      } finally {
        unwatch?.();
        unwatch = null;
      }
    },
    begin: (begin) => async (options) => {
      observer.enter?.();
      observer.step?.('before the transaction began');
      const box: ClientBox = { client: null };
      const transaction = await seekClient(box, () => begin(options));
      const watched = watchedTransaction(transaction, observer);
      clients.set(watched, box);
      return watched;
    },
  });
  return surrounded(whole, (name, member) => (Object.hasOwn(parts, name) ? parts[name] : member));
}

function watchDriverOf(storage: Storage): (() => void) | null {
  const { dataSource } = storage as Storage & { readonly dataSource?: WatchedDataSource };
  const watched = dataSource ?? installedPg();
  return watched && watchDriver(watched);
}

function watchedStore(storage: Storage, name: (typeof stores)[number], observer: StorageObserver): object {
  if (name === 'inbox')
    return replacing(storage.inbox, {
      admit: (admit) => async (transaction, records) => {
        const admissions = await admit(transaction, records);
        observer.step?.('after the inbox insert');
        return admissions;
      },
    });
  if (name === 'parked')
    return replacing(storage.parked, {
      park: (park) => async (transaction, event) => {
        await park(transaction, event);
        observer.park?.(event);
      },
    });
  if (name === 'deadLetters')
    return replacing(storage.deadLetters, {
      insert: (insert) => async (transaction, letter) => {
        await insert(transaction, letter);
        observer.bury?.(letter);
      },
    });
  return storage[name];
}

function watchedTransaction(transaction: Transaction, observer: StorageObserver): Transaction {
  let ended: () => void = () => {};
  const open = new Promise<void>((resolve) => {
    ended = resolve;
  });
  void observer.busy?.(open);
  const ending = (work: () => Promise<void>) => () => work().finally(ended);
  return replacing(transaction, {
    seal: (seal) => async () => {
      observer.enter?.();
      observer.step?.('after the handler, before COMMIT');
      await seal();
    },
    commit: (commit) =>
      ending(async () => {
        observer.enter?.();
        await commit();
        observer.committed?.(writtenEntries(transaction.outgoing));
        observer.step?.('after COMMIT, before the acknowledgement');
      }),
    rollback: (rollback) => ending(rollback),
  });
}

function watchedAmbient(
  ambient: AmbientScope,
  observer: StorageObserver,
  clients: WeakMap<object, ClientBox>,
): AmbientScope {
  return replacing(ambient, {
    run: (run) =>
      ((scope: Scope, work: () => unknown) => {
        if (scope.invocation === null) return run(scope, work);
        const { client = null } = clients.get(scope.transaction) ?? {};
        const handler = scope.invocation.handler.name;
        const call: HandlerCall = { handler, scope, observer, client, unfinished: new Set(), ended: false };
        return inCall(call, () => watchedCall(call, () => run(scope, work)));
      }) as AmbientScope['run'],
    outside: (outside) =>
      ((work: () => unknown) => outside(() => outsideTransaction(work))) as AmbientScope['outside'],
  });
}

async function watchedCall(call: HandlerCall, work: () => unknown): Promise<unknown> {
  const { observer } = call;
  const waits = observer.beforeCall?.();
  if (waits !== undefined) await waits;
  observer.called?.(call);
  try {
    const result = await work();
    call.ended = true;
    observer.returned?.(call, null);
    return result;
  } catch (error) {
    if (!call.ended) observer.returned?.(call, { error });
    throw error;
  } finally {
    call.ended = true;
  }
}
