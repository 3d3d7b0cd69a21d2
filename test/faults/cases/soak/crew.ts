/**
 * The consumers and relays of a soak: as many as there were, whatever happens to them. One consumer stands behind a proxy.
 */
import { consume, type Ground } from '../../harness/ordinary-run.js';
import { relay } from '../../harness/relays.js';
import type { SeededRandom } from '../../harness/seeded-random.js';
import type { Stage } from '../../harness/stage.js';
import type { WorkerProcess } from '../../harness/worker-process.js';

interface Post {
  readonly start: () => WorkerProcess;
  worker: WorkerProcess;
  /** `null`: it is awake. */
  sleep: Sleep | null;
}

interface Sleep {
  readonly worker: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Told when it wakes, and is still there. */
  readonly over: () => void;
}

export class Crew {
  readonly consumers: Post[];
  readonly relays: Post[];
  /** Those that were slept through. */
  readonly slept: Sleep[] = [];
  readonly #stage: Stage;
  readonly #leaving: Promise<unknown>[] = [];

  constructor(stage: Stage, ground: Ground, proxied: string) {
    this.#stage = stage;
    const consumer = (changes: object) => () => consume(stage, ground, { relay: false, ...changes });
    const relaying = () => relay(stage, { sendAtOnce: 500 });
    const post = (start: () => WorkerProcess): Post => ({ start, worker: start(), sleep: null });
    this.consumers = [{ databaseUrl: proxied }, {}, {}].map((changes) => post(consumer(changes)));
    this.relays = [relaying, relaying].map(post);
  }

  async ready(): Promise<void> {
    for (const { worker } of [...this.consumers, ...this.relays]) {
      await worker.ready(this.#stage.options.patienceMs);
    }
  }

  /** One that is awake and at work; `null` where nobody is in time. */
  async victim(posts: readonly Post[], random: SeededRandom): Promise<Post | null> {
    const able = () => posts.filter(({ sleep, worker }) => sleep === null && worker.isReady);
    const isSo = async () => {
      this.wake();
      return able().length > 0;
    };
    return (await this.#stage.eventually('there is somebody to harm', isSo)) ? random.pick(able()) : null;
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

  stop(post: Post, ms: number, over: () => void): void {
    post.worker.stop();
    const nowMs = Date.now();
    post.sleep = { worker: post.worker.name, fromMs: nowMs, toMs: nowMs + ms, over };
  }

  /** Those whose time has come. */
  wake(): void {
    for (const post of [...this.consumers, ...this.relays]) {
      const { sleep, worker } = post;
      if (sleep === null || Date.now() < sleep.toMs) continue;
      post.sleep = null;
      if (worker.exit !== null) continue;
      this.slept.push({ ...sleep, toMs: Date.now() });
      worker.resume();
      sleep.over();
    }
  }

  /** Nobody is stopped any more, each past its time, and all that leave have left. */
  async rest(): Promise<void> {
    const asleep = [...this.consumers, ...this.relays].flatMap(({ sleep }) => sleep?.toMs ?? []);
    const leftMs = Math.max(0, ...asleep.map((toMs) => toMs - Date.now()));
    await new Promise((resolve) => setTimeout(resolve, leftMs + 1));
    this.wake();
    await Promise.all(this.#leaving);
  }
}
