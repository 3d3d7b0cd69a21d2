/**
 * A PostgreSQL cluster of one's own, by initdb and pg_ctl: to be killed, starved or configured at will.
 *
 * Its server is a daemon; the last will ends it where this process dies. Never touches a cluster it did not make.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LastWill } from './last-will.js';
import { freePort, until } from './ports.js';

const run = promisify(execFile);

export class PostgresCluster {
  readonly #will: LastWill;

  private constructor(
    readonly folder: string,
    readonly port: number,
    readonly binaries: string,
  ) {
    this.#will = LastWill.write(folder, this.#command('pg_ctl', this.#stopping('immediate')));
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PostgresCluster> {
    const { stdout } = await run('pg_config', ['--bindir']);
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'eo-postgres-'));
    const cluster = new PostgresCluster(folder, port, stdout.trim());
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

  /** `immediate` is a crash: no checkpoint, connections cut. */
  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    await this.#as('pg_ctl', this.#stopping(mode));
  }

  /** SIGKILL to the server and its backends, as an operating system out of memory does it. */
  async kill(): Promise<void> {
    const [first] = (await readFile(join(this.#data, 'postmaster.pid'), 'utf8')).split('\n');
    const children = await run('pgrep', ['-P', first!]);
    const all = [first!, ...children.stdout.trim().split('\n')];
    await run('kill', ['-KILL', ...all]).catch(() => undefined); // a backend may have ended by itself
    await until('PostgreSQL is gone', () => gone(all));
    await rm(join(this.#data, 'postmaster.pid')); // its pid may be a zombie's, which the next start takes for alive
  }

  /** Ends it, in whatever state it is, and removes its data. */
  async remove(): Promise<void> {
    await this.stop('immediate').catch(() => undefined); // may be stopped already: the folder goes in any case
    await rm(this.folder, { recursive: true, force: true });
    await this.#will.execute();
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

  #stopping(mode: 'fast' | 'immediate'): string[] {
    return ['-D', this.#data, '-w', '-m', mode, 'stop'];
  }

  async #as(program: string, parameters: readonly string[]): Promise<void> {
    const [file, ...rest] = this.#command(program, parameters);
    await run(file!, rest, { timeout: 60_000, cwd: tmpdir() });
  }

  /** initdb and postgres refuse root. */
  #command(program: string, parameters: readonly string[]): string[] {
    const command = [join(this.binaries, program), ...parameters];
    return isRoot() ? ['runuser', '-u', 'postgres', '--', ...command] : command;
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** A zombie counts as gone: in a container nobody may reap it. */
async function gone(pids: readonly string[]): Promise<boolean> {
  const { stdout } = await run('ps', ['-o', 'stat=', '-p', pids.join(',')]).catch(() => ({ stdout: '' })); // none
  return stdout.split('\n').every((state) => state === '' || state.startsWith('Z'));
}
