/**
 * One of the reference services as a process of its own, as an operator runs it: configured by the environment,
 * asked over HTTP, ended by signals. Keeps its port over restarts; its output goes into a file, shown where it fails.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuardedProcess } from '../services/guarded-process.js';
import { freePort, until } from '../services/ports.js';

export type ServiceName = 'orders' | 'payments' | 'shipping' | 'notifications';
/** A service, or one that stores nothing and so has no books to audit. */
export type ProgramName = ServiceName | 'sales-totals';

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: has the shape of its route
  readonly body: any;
}

export class ServiceProcess {
  #process: GuardedProcess | null = null;

  private constructor(
    readonly app: ProgramName,
    readonly port: number,
    readonly folder: string,
    readonly environment: readonly string[],
  ) {}

  static async start(
    app: ProgramName,
    environment: Readonly<Record<string, string>>,
  ): Promise<ServiceProcess> {
    const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), `eo-${app}-`))];
    const variables = Object.entries({ ...environment, PORT: port }).map(
      ([name, value]) => `${name}=${value}`,
    );
    const service = new ServiceProcess(app, port, folder, variables);
    await service.start();
    return service;
  }

  /** Starts it, again after `kill` or `terminate`; resolves when it answers over HTTP. */
  async start(): Promise<void> {
    const program = [process.execPath, `apps/${this.app}/dist/main.js`];
    const command = ['env', ...this.environment, ...program];
    const started = await GuardedProcess.start(command, join(this.folder, 'log'));
    this.#process = started;
    await until(`${this.app} answers`, async () => {
      if (!started.running) throw new Error(`${this.app} ended at once:\n${started.log()}`);
      return (await this.get('/health')) !== null;
    });
  }

  get running(): boolean {
    return this.#process?.running ?? false;
  }

  log(): string {
    return `${this.app}:\n${this.#process?.log()}`;
  }

  /** `null` where nobody answers. */
  get(path: string): Promise<Answer | null> {
    return this.#ask(path, {});
  }

  /** `null` where the connection broke: whether it happened is then unknown. */
  post(path: string, body: unknown): Promise<Answer | null> {
    const headers = { 'content-type': 'application/json' };
    return this.#ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** SIGTERM; resolves with the signal or code that it ended with. */
  async terminate(): Promise<number | null> {
    await this.#process?.stop();
    return this.#process?.shell.exitCode ?? null;
  }

  /** Ends it, in whatever state it is, and removes its log. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  #ask(path: string, request: RequestInit): Promise<Answer | null> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, request).then(
      async (response) => ({ status: response.status, body: await response.json() }),
      () => null,
    );
  }
}
