/**
 * A server process that cannot outlive this one: it is killed when its standard input closes, however we end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** Prints the server's pid, then waits for it; a closed input kills it. */
const script = `
exec 3<&0
"$@" </dev/null >&4 2>&4 3<&- &
server=$!
echo "$server"
(cat <&3 >/dev/null; kill -9 "$server" 2>/dev/null) &
wait "$server"
`;

export class GuardedProcess {
  private constructor(
    readonly shell: ChildProcess,
    readonly pid: number,
    readonly logFile: string,
  ) {}

  static async start(command: readonly string[], logFile: string): Promise<GuardedProcess> {
    const log = openSync(logFile, 'a');
    const shell = spawn('sh', ['-c', script, 'guard', ...command], {
      stdio: ['pipe', 'pipe', 'ignore', 'ignore', log],
    });
    closeSync(log);
    const [line] = await once(createInterface({ input: shell.stdout! }), 'line');
    return new GuardedProcess(shell, Number(line), logFile);
  }

  get running(): boolean {
    return this.shell.exitCode === null && this.shell.signalCode === null;
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8').slice(-2_000);
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  /** Waits until it ends by itself; its exit code. Kills it after `patienceMs`. */
  async ended(patienceMs: number): Promise<number | null> {
    const timer = setTimeout(() => this.#closeInput(), patienceMs);
    if (this.running) await once(this.shell, 'exit');
    clearTimeout(timer);
    this.#closeInput();
    return this.shell.exitCode;
  }

  /** SIGTERM, then waits for the end; SIGKILL after `patienceMs`. */
  async stop(patienceMs = 10_000): Promise<void> {
    if (!this.running) return this.#closeInput();
    const ended = once(this.shell, 'exit');
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.#closeInput(), patienceMs);
    await ended;
    clearTimeout(timer);
    this.#closeInput();
  }

  async kill(): Promise<void> {
    if (!this.running) return;
    const ended = once(this.shell, 'exit');
    this.signal('SIGKILL');
    await ended;
    this.#closeInput();
  }

  #closeInput(): void {
    this.shell.stdin?.destroy();
  }
}
