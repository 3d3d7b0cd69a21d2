/**
 * A PostgreSQL cluster of one's own, by initdb and pg_ctl: to be killed, starved or configured at will.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from './ports.js';

const run = promisify(execFile);

export class PostgresCluster {
  private constructor(
    readonly folder: string,
    readonly port: number,
    readonly binaries: string,
  ) {}

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PostgresCluster> {
    const { stdout } = await run('pg_config', ['--bindir']);
    const folder = await mkdtemp(join(tmpdir(), 'eo-postgres-'));
    const cluster = new PostgresCluster(folder, await freePort(), stdout.trim());
    try {
      await cluster.#initialize(settings);
      await cluster.start();
    } catch (error) {
      await cluster.remove();
      throw error;
    }
    return cluster;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    await this.#as('pg_ctl', ['-D', this.#data, '-w', '-l', join(this.folder, 'log'), 'start']);
  }

  /** \`immediate\` is a crash: no checkpoint, connections cut. */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#as('pg_ctl', ['-D', this.#data, '-w', '-m', mode, 'stop']);
  }

  /** Ends it, in whatever state it is, and removes its data. */
  async remove(): Promise<void> {
    await this.stop('immediate').catch(() => undefined); // may be stopped already: the folder goes in any case
    await rm(this.folder, { recursive: true, force: true });
  }

  get #data(): string {
    return join(this.folder, 'data');
  }

  async #initialize(settings: Readonly<Record<string, string>>): Promise<void> {
    if (isRoot()) await run('chown', ['postgres', this.folder]);
    else await chmod(this.folder, 0o700);
    await this.#as('initdb', ['-D', this.#data, '-U', 'postgres', '-A', 'trust', '--no-sync']);
    const lines = {
      port: String(this.port),
      unix_socket_directories: "''",
      listen_addresses: "'127.0.0.1'",
      ...settings,
    };
    const text = Object.entries(lines).map(([name, value]) => `${name} = ${value}\n`);
    await writeFile(join(this.#data, 'postgresql.auto.conf'), text.join(''));
  }

  /** initdb and postgres refuse root. */
  async #as(program: string, parameters: readonly string[]): Promise<void> {
    const command = [join(this.binaries, program), ...parameters];
    const [file, ...rest] = isRoot() ? ['runuser', '-u', 'postgres', '--', ...command] : command;
    await run(file!, rest, { timeout: 60_000, cwd: tmpdir() });
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}
