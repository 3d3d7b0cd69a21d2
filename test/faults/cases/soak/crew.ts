/**
 * The consumers and relays of a soak: as many as there were, whatever happens to them. One consumer stands behind a proxy.
 */
import { consume, type Ground } from '../../harness/ordinary-run.js';
import { relay } from '../../harness/relays.js';
import type { Stage } from '../../harness/stage.js';
import type { WorkerProcess } from '../../harness/worker-process.js';

interface Post {
  readonly start: () => WorkerProcess;
  worker: WorkerProcess;
  /** When it wakes up; `null`: it is awake. */
  wakesAtMs: number | null;
}

export class Crew {
  readonly consumers: Post[];
  readonly relays: Post[];
  readonly #stage: Stage;
  readonly #leaving: Promise<unknown>[] = [];

  constructor(stage: Stage, ground: Ground, proxied: string) {
    this.#stage = stage;
    const consumer = (changes: object) => () => consume(stage, ground, { relay: false, ...changes });
    const relaying = () => relay(stage, { sendAtOnce: 500 });
    const post = (start: () => WorkerProcess): Post => ({ start, worker: start(), wakesAtMs: null });
    this.consumers = [{ databaseUrl: proxied }, {}, {}].map((changes) => post(consumer(changes)));
    this.relays = [relaying, relaying].map(post);
  }

  async ready(): Promise<void> {
    for (const { worker } of [...this.consumers, ...this.relays]) {
      await worker.ready(this.#stage.options.patienceMs);
    }
  }

  /** One that is awake and ready to be harmed; `null` where there is none. */
  victim(posts: readonly Post[]): Post | null {
    const awake = posts.filter(({ wakesAtMs, worker }) => wakesAtMs === null && worker.exit === null);
    return awake.length === 0 ? null : this.#stage.random.pick(awake);
  }

  async kill(post: Post): Promise<boolean> {
    await post.worker.kill();
    const { exit } = post.worker;
    post.worker = post.start();
    return exit?.signal === 'SIGKILL';
  }

  /** It leaves in order, and another takes its place meanwhile. */
  replace(post: Post): void {
    const leaving = post.worker.terminate(30_000).then((complaint) => {
      if (complaint !== null) this.#stage.stuck.push(complaint);
    });
    this.#leaving.push(leaving);
    post.worker = post.start();
  }

  stop(post: Post, ms: number): void {
    post.worker.stop();
    post.wakesAtMs = Date.now() + ms;
  }

  /** Those whose time has come, or all. */
  async wake(all = false): Promise<void> {
    for (const post of [...this.consumers, ...this.relays]) {
      if (post.wakesAtMs === null || (!all && Date.now() < post.wakesAtMs)) continue;
      post.worker.resume();
      post.wakesAtMs = null;
    }
    if (all) await Promise.all(this.#leaving);
  }
}
