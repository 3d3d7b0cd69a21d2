/**
 * A contestant's process: told what to do in its first argument, it says when it begins (a consumer: when it has its
 * first records), some also when they are done, and ends on SIGTERM. It never outlives the run: killed where it does
 * not end, and gone by itself when its parent is.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

/** The request of a contestant's process, as JSON. */
export interface RunRequest {
  readonly databaseUrl: string;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly group: string;
  readonly events: number;
  readonly setting: string;
}

export interface ProcessOptions {
  /** Of its database connections, and of its Kafka client. Default `bench`. */
  readonly name?: string;
  /** Folder for a CPU profile of it; none by default. */
  readonly profiles?: string | undefined;
  /** File for what it says, behind what stands there; by default it says it where the harness does. */
  readonly log?: string | undefined;
}

/**
 * Of every contestant alike, as our documentation advises: with Node's own 16 MiB, what is in flight is copied about
 * until it is taken for old.
 */
export const nodeFlags = ['--max-semi-space-size=64'];
/** Milliseconds from SIGTERM to SIGKILL. */
const graceMs = 15_000;

const run = promisify(execFile);

export class ContestantProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  readonly #told: unknown[] = [];

  /** The repository's root is the working directory, of tests too. */
  constructor(program: string, request: RunRequest, { name = 'bench', profiles, log }: ProcessOptions = {}) {
    const profiling =
      profiles === undefined ? [] : [`--import=${resolve(compiled, 'harness/profiler.entry.js')}`];
    const said = log === undefined ? 'inherit' : openSync(log, 'a');
    this.#child = fork(programPath(program), [JSON.stringify(request)], {
      stdio: ['ignore', said, said, 'ipc'],
      execArgv: [...nodeFlags, ...profiling],
      env: {
        ...process.env,
        KAFKAJS_NO_PARTITIONER_WARNING: '1',
        PGAPPNAME: name,
        BENCH_PROFILES: profiles ?? '',
      },
    });
    if (typeof said === 'number') closeSync(said); // it has its own
    this.#ended = once(this.#child, 'exit');
    this.#child.on('message', (message) => this.#told.push(message));
  }

  /** All that it told. */
  get told(): readonly unknown[] {
    return this.#told;
  }

  /** When it began; NaN before. */
  get startedAtMs(): number {
    return Number(this.#told[0] ?? Number.NaN);
  }

  /** When it was done, of those that say so; NaN before. */
  get doneAtMs(): number {
    return Number(this.#told[1] ?? Number.NaN);
  }

  /** What it ended with before it was told to; `null` while it runs. */
  get ended(): string | null {
    const { exitCode, signalCode } = this.#child;
    return exitCode === null && signalCode === null ? null : `ended with ${signalCode ?? exitCode}`;
  }

  /** What it holds of the machine's memory at the moment. */
  async residentMiB(): Promise<number> {
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(this.#child.pid)]).catch((cause) => {
      throw new Error(`the contestant ${this.ended ?? 'is gone'}`, { cause });
    });
    return Number(stdout) / 1_024;
  }

  /** It does nothing until `resume`; Kafka must not miss it meanwhile. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** At once, with SIGKILL. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  async stop(): Promise<void> {
    if (this.ended !== null) return;
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    this.#child.kill('SIGTERM');
    await this.#ended;
    clearTimeout(timer);
  }
}

const compiled = 'dist-test/test/bench';

/** A peer is compiled in its place, beside the packages that it stands on. */
function programPath(program: string): string {
  return resolve(program.startsWith('apart/') ? 'test/bench' : compiled, program);
}
