/**
 * A storage that can be put out of reach, as for a process that is stopped or dead: every call is refused until it is
 * mended. What a call had begun goes on.
 */
import { ExactlyOnceError, type Storage } from '@exactly-once/core';

export interface CuttableStorage {
  readonly storage: Storage;
  cut(): void;
  mend(): void;
}

const parts = ['log', 'fences', 'leases', 'outbox', 'inbox', 'deadLetters'] as const;
type Call = (...given: unknown[]) => unknown;

export function cuttable(storage: Storage): CuttableStorage {
  let isCut = false;
  const guarded = <T extends object>(target: T, replaced: Partial<T> = {}): T =>
    new Proxy(target, {
      get(of, property) {
        if (property in replaced) return replaced[property as keyof T];
        const value: unknown = Reflect.get(of, property, of);
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => {
          if (isCut) throw new ExactlyOnceError('EO_STORAGE_UNAVAILABLE', 'this process is cut off');
          return (value as Call).apply(of, given);
        };
      },
    });
  const stores = Object.fromEntries(parts.map((part) => [part, asynchronous(guarded(storage[part]))]));
  return {
    storage: guarded(storage, { ...stores, ambient: storage.ambient } as Partial<Storage>),
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
    },
  };
}

/** What throws rejects. */
function asynchronous<T extends object>(target: T): T {
  return new Proxy(target, {
    get(of, property) {
      const value: unknown = Reflect.get(of, property, of);
      if (typeof value !== 'function') return value;
      return async (...given: unknown[]) => (value as Call)(...given);
    },
  });
}
