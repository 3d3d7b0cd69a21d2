/**
 * A worker as the runner sees it: started, ready, ended. None outlives the runner, in whatever state it is.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../../services/ports.js';
import type { WorkerPlan } from '../worker/worker-plan.js';

const entry = fileURLToPath(new URL('../worker/worker.js', import.meta.url));
const alive = new Set<ChildProcess>();

/** SIGKILL also ends a process that is stopped. */
export function killAllWorkers(): void {
  for (const child of alive) child.kill('SIGKILL');
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class WorkerProcess {
  readonly exited: Promise<Exit>;
  #exit: Exit | null = null;
  #isReady = false;
  /** True from the moment at which the runner wants it to end. */
  #expected = false;
  /** By the runner, while it ran. */
  #killed = false;

  private constructor(
    readonly plan: WorkerPlan,
    readonly child: ChildProcess,
  ) {
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        alive.delete(child);
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
    child.once('message', () => {
      this.#isReady = true;
    });
  }

  static start(plan: WorkerPlan): WorkerProcess {
    const file = join(plan.folder, `plan-${plan.name}.json`);
    writeFileSync(file, JSON.stringify(plan, null, 1));
    const log = openSync(join(plan.folder, `log-${plan.name}.txt`), 'a');
    const heap = plan.maxHeapMb === null ? [] : [`--max-old-space-size=${plan.maxHeapMb}`];
    const execArgv = ['--no-warnings', ...heap];
    const child = fork(entry, [file], { stdio: ['ignore', log, log, 'ipc'], execArgv });
    closeSync(log);
    alive.add(child);
    return new WorkerProcess(plan, child);
  }

  get name(): string {
    return this.plan.name;
  }

  get exit(): Exit | null {
    return this.#exit;
  }

  /** It has told so, and has not ended since. */
  get isReady(): boolean {
    return this.#isReady && this.#exit === null;
  }

  /** A fault of its plan ends it: how it ends is not held against it. */
  expectEnd(): void {
    this.#expected = true;
  }

  /** What is wrong with how it ended; `null` where nothing is, or where it still runs. Who died before it was killed has died. */
  get complaint(): string | null {
    if (this.#exit === null || this.#expected || this.#exit.code === 0) return null;
    if (this.#killed && this.#exit.signal === 'SIGKILL') return null;
    return `${this.name} ended with ${this.#exit.signal ?? `code ${this.#exit.code}`}`;
  }

  /** Resolves when it has told that it is ready; rejects where it ended instead. */
  async ready(patienceMs = 30_000): Promise<void> {
    const done = async () => {
      if (this.#exit !== null && !this.#isReady)
        throw new Error(`${this.name} ended before it was ready (see its log)`);
      return this.#isReady;
    };
    await until(`${this.name} is ready`, done, patienceMs);
  }

  /** Ends it in order; `null`, or why that did not work in time. */
  async terminate(graceMs = 15_000): Promise<string | null> {
    if (this.#exit !== null) return this.complaint;
    this.child.kill('SIGTERM');
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), graceMs);
    });
    const exit = await Promise.race([this.exited, late]);
    clearTimeout(timer);
    if (exit !== null) return this.complaint;
    await this.kill();
    return `${this.name} did not end within ${graceMs} ms of SIGTERM`;
  }

  async kill(): Promise<void> {
    if (this.#exit === null) this.#killed = true;
    this.child.kill('SIGKILL');
    await this.exited;
  }

  /** As it stands; it knows nothing of it. */
  stop(): void {
    this.child.kill('SIGSTOP');
  }

  resume(): void {
    this.child.kill('SIGCONT');
  }
}
