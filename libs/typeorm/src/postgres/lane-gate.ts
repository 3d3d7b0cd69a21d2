/**
 * Keeps the nested transactions of scopes apart that share one transaction: while one of them is inside a savepoint,
 * the statements of the others wait. Step 5 of an event's life.
 *
 * A statement that waited is sent in the very moment it may be, before anybody else can set a savepoint. The scope that
 * holds the gate always passes, so nobody waits for itself.
 */
import { AsyncResource } from 'node:async_hooks';

interface Waiting {
  readonly scope: object;
  /** It wants to begin a nested transaction. */
  readonly enters: boolean;
  readonly go: () => void;
}

export class LaneGate {
  #holder: object | null = null;
  /** Nested transactions of the holder that are open. */
  #depth = 0;
  #ended = false;
  #waiting: Waiting[] = [];

  /** Runs `send` at once, or when no other scope is inside a nested transaction any more. */
  pass<T>(scope: object, send: () => Promise<T>): Promise<T> {
    if (this.#admits(scope)) return send();
    return new Promise<T>((resolve, reject) => {
      const go = AsyncResource.bind(() => void send().then(resolve, reject));
      this.#waiting.push({ scope, enters: false, go });
    });
  }

  /** Resolves when the scope may set a savepoint; it holds the gate from then on, once more for each call. */
  async enter(scope: object): Promise<void> {
    if (this.#admits(scope)) {
      this.#take(scope);
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push({ scope, enters: true, go: resolve });
    });
  }

  /** A nested transaction of the scope has ended. */
  leave(scope: object): void {
    if (this.#holder !== scope) return;
    this.#depth--;
    if (this.#depth === 0) this.abandon(scope);
  }

  /** The scope has ended, with whatever it left open. */
  abandon(scope: object): void {
    if (this.#holder !== scope) return;
    this.#holder = null;
    this.#depth = 0;
    this.#admitWaiting();
  }

  /** The transaction has ended: nobody waits any more, each is to find that out for itself. */
  end(): void {
    this.#ended = true;
    this.#admitWaiting();
  }

  #admits(scope: object): boolean {
    return this.#ended || this.#holder === null || this.#holder === scope;
  }

  #take(scope: object): void {
    this.#holder = scope;
    this.#depth++;
  }

  /** In the order they came, up to the next nested transaction, and whatever its own scope has waiting behind it. */
  #admitWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      if (!this.#admits(one.scope)) {
        this.#waiting.push(one);
        continue;
      }
      if (one.enters) this.#take(one.scope);
      one.go();
    }
  }
}
