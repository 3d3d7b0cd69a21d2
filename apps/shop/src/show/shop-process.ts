/**
 * The shop's process as the supervisor has it: started, told what to do, listened to, killed.
 *
 * It cannot outlive the supervisor: it ends when the channel to it is gone. What it reported before a kill is read
 * to the end before the kill counts as over.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Command, Report, StagePlan } from '../stage/messages.js';

const program = fileURLToPath(new URL('../stage/main.js', import.meta.url));
/** Characters of its log that are shown where it ended by itself. */
const toldLog = 3_000;

export class ShopProcess {
  /** Resolves when it has ended and all that it had reported is read. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;

  constructor(
    plan: StagePlan,
    readonly logFile: string,
    hear: (report: Report) => void,
  ) {
    const log = openSync(logFile, 'a');
    this.#child = fork(program, [JSON.stringify(plan)], {
      stdio: ['ignore', log, log, 'pipe', 'ipc'],
      execArgv: ['--enable-source-maps'],
    });
    closeSync(log);
    const lines = createInterface({ input: this.#child.stdio[3] as Readable });
    lines.on('line', (line) => hear(JSON.parse(line) as Report));
    this.ended = Promise.all([once(this.#child, 'close'), once(lines, 'close')]).then(() => undefined);
    this.#child.on('error', () => undefined); // `tell` to one that is gone; its end is what counts
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  tell(command: Command): void {
    if (this.#child.connected) this.#child.send(command);
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  /** SIGTERM: what runs may end. SIGKILL after `patienceMs`. */
  async stop(patienceMs = 10_000): Promise<void> {
    if (!this.running) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** How it ended, and the end of what it said. */
  lastWords(): string {
    const { exitCode, signalCode } = this.#child;
    return `exit code ${exitCode ?? signalCode}; it said:\n${readFileSync(this.logFile, 'utf8').slice(-toldLog)}`;
  }
}
