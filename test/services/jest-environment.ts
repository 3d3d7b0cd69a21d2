/**
 * The environment of a test file: Node's, without what a file leaves behind in its worker.
 *
 * Node 20 hands the value of each AsyncLocalStorage that was ever used on to every new promise. Each file has modules of its
 * own, so storages of its own: after a hundred files promises were a hundred times as dear, for all that came later.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { TestEnvironment } from 'jest-environment-node';

type Storage = AsyncLocalStorage<unknown>;

export default class FileEnvironment extends TestEnvironment {
  readonly #used = new Set<Storage>();
  readonly #original = AsyncLocalStorage.prototype.run;

  override async setup(): Promise<void> {
    await super.setup();
    const [used, original] = [this.#used, this.#original];
    AsyncLocalStorage.prototype.run = function run(this: Storage, ...parameters: unknown[]): never {
      used.add(this);
      return Reflect.apply(original, this, parameters) as never;
    };
  }

  override async teardown(): Promise<void> {
    AsyncLocalStorage.prototype.run = this.#original;
    for (const storage of this.#used) storage.disable();
    await super.teardown();
  }
}
