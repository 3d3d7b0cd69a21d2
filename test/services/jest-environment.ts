/**
 * The environment of a test file: Node's, without what a file leaves behind in its worker.
 *
 * Up to Node 22 the value of each AsyncLocalStorage that was ever used is handed on to every new promise. Each file has modules
 * of its own, so storages of its own: after a hundred files promises were a hundred times as dear, for all that came later.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { TestEnvironment } from 'jest-environment-node';

/** Node's own, called by the first `run`; absent where storages cost nothing. No frame of ours stands in a test's stack. */
interface Enabling {
  _enable?(this: AsyncLocalStorage<unknown>): void;
}

const prototype = AsyncLocalStorage.prototype as Enabling;

export default class FileEnvironment extends TestEnvironment {
  readonly #enable = prototype._enable;
  readonly #used = new Set<AsyncLocalStorage<unknown>>();

  override async setup(): Promise<void> {
    await super.setup();
    const [enable, used] = [this.#enable, this.#used];
    if (enable === undefined) return;
    prototype._enable = function _enable() {
      used.add(this);
      enable.call(this);
    };
  }

  override async teardown(): Promise<void> {
    if (this.#enable !== undefined) prototype._enable = this.#enable;
    for (const storage of this.#used) storage.disable();
    await super.teardown();
  }
}
