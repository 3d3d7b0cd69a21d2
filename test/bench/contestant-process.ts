/**
 * A contestant's process: told what to do in its first argument, it says when it has its first records, and ends on
 * SIGTERM. It never outlives the run: killed where it does not end, and gone by itself when its parent is.
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

/** Milliseconds from SIGTERM to SIGKILL. */
const graceMs = 15_000;

export class ContestantProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #startedAtMs = Number.NaN;

  /** The repository's root is the working directory, of tests too. */
  constructor(program: string, request: RunRequest) {
    this.#child = fork(resolve('dist-test/test/bench', program), [JSON.stringify(request)]);
    this.#ended = once(this.#child, 'exit');
    this.#child.once('message', (at) => {
      this.#startedAtMs = Number(at);
    });
  }

  /** When it had its first records; NaN before. */
  get startedAtMs(): number {
    return this.#startedAtMs;
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
