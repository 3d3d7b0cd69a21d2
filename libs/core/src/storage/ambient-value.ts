/**
 * A value that running code finds again wherever it goes on: what belongs to an event's call, through every await.
 *
 * All of them share one AsyncLocalStorage, because Node makes each promise dearer for each storage that there is.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

interface Binding {
  readonly owner: object;
  readonly value: unknown;
  /** What was bound around it. */
  readonly outer: Binding | undefined;
}

const bindings = new AsyncLocalStorage<Binding>();

export class AmbientValue<T> {
  /** What the innermost `run` around the running code gave; `undefined` outside of any. */
  current(): T | undefined {
    for (let binding = bindings.getStore(); binding !== undefined; binding = binding.outer) {
      if (binding.owner === this) return binding.value as T;
    }
    return undefined;
  }

  run<R>(value: T, work: () => R): R {
    return bindings.run({ owner: this, value, outer: without(bindings.getStore(), this) }, work);
  }
}

/** At most one binding for each owner: code that goes on and on from inside of itself would keep all of them. */
function without(binding: Binding | undefined, owner: object): Binding | undefined {
  if (binding === undefined) return undefined;
  if (binding.owner === owner) return binding.outer;
  const outer = without(binding.outer, owner);
  return outer === binding.outer ? binding : { ...binding, outer };
}
