/**
 * A contestant's process: told what to do in its first argument, it says when it begins (a consumer: when it has its
 * first records), some also when they are done, and ends on SIGTERM. It never outlives the run: killed where it does not end, and gone by itself when its parent is.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

/** The request of a contestant's process, as JSON. */
export interface RunRequest {
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly group: string;
  readonly events: number;
  readonly setting: string;
}

/**
 * Of every contestant alike, as our documentation advises: with Node's own 16 MiB, what is in flight is copied about
 * until it is taken for old.
 */
export const nodeFlags = ['--max-semi-space-size=64'];
/** Milliseconds from SIGTERM to SIGKILL. */
const graceMs = 15_000;

export class ContestantProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #toldMs: number[] = [];

  /** The repository's root is the working directory, of tests too. */
  constructor(program: string, request: RunRequest) {
    this.#child = fork(resolve('dist-test/test/bench', program), [JSON.stringify(request)], {
      execArgv: nodeFlags,
      env: { ...process.env, KAFKAJS_NO_PARTITIONER_WARNING: '1' },
    });
    this.#ended = once(this.#child, 'exit');
    this.#child.on('message', (at) => this.#toldMs.push(Number(at)));
  }

  /** All that it told. */
  get told(): readonly number[] {
    return this.#toldMs;
  }

  /** When it began; NaN before. */
  get startedAtMs(): number {
    return this.#toldMs[0] ?? Number.NaN;
  }

  /** When it was done, of those that say so; NaN before. */
  get doneAtMs(): number {
    return this.#toldMs[1] ?? Number.NaN;
  }

  /** What it ended with before it was told to; `null` while it runs. */
  get ended(): string | null {
    const { exitCode, signalCode } = this.#child;
    return exitCode === null && signalCode === null ? null : `ended with ${signalCode ?? exitCode}`;
  }

  async stop(): Promise<void> {
    if (this.ended !== null) return;
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    this.#child.kill('SIGTERM');
    await this.#ended;
    clearTimeout(timer);
  }
}
