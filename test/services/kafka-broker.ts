/**
 * A Kafka broker of one's own: jars from Maven Central, data in a temporary folder, a free port.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GuardedProcess } from './guarded-process.js';
import { LastWill } from './last-will.js';
import { mavenClasspath } from './maven-jars.js';
import { answers, freePort, until } from './ports.js';

const run = promisify(execFile);
const version = '4.3.1';

export function kafkaClasspath(): Promise<string> {
  return mavenClasspath(`kafka-${version}`, 'kafka/pom.xml');
}

export interface KafkaBrokerOptions {
  /** Lines of server.properties on top of ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The first broker of a cluster, to which this one is added. Default: it is the first of its own. */
  readonly joins?: KafkaBroker;
}

export class KafkaBroker {
  #process: GuardedProcess | null = null;
  readonly #will: LastWill;

  private constructor(
    readonly folder: string,
    readonly port: number,
    readonly controller: number,
    readonly clusterId: string,
    readonly classpath: string,
  ) {
    this.#will = LastWill.write(folder);
  }

  static async start({ settings = {}, joins }: KafkaBrokerOptions = {}): Promise<KafkaBroker> {
    const classpath = await kafkaClasspath();
    const port = await freePort();
    const controller = joins?.controller ?? (await freePort());
    const id =
      joins?.clusterId ?? Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url');
    const folder = await mkdtemp(join(tmpdir(), 'eo-kafka-'));
    const broker = new KafkaBroker(folder, port, controller, id, classpath);
    try {
      const added = joins === undefined ? {} : second(port);
      await writeFile(
        join(folder, 'server.properties'),
        properties(folder, port, controller, { ...added, ...settings }),
      );
      const format = ['format', `--cluster-id=${id}`, '-c', join(folder, 'server.properties')];
      await run('java', ['-cp', classpath, 'kafka.tools.StorageTool', ...format], { timeout: 60_000 });
      await broker.start();
    } catch (error) {
      await broker.stop();
      throw error;
    }
    return broker;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Starts it again after `kill`, on the same port and data. */
  async start(): Promise<void> {
    const heap = ['-Xmx512m', '-Xms256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const main = ['kafka.Kafka', join(this.folder, 'server.properties')];
    const command = ['java', ...heap, '-cp', this.classpath, ...main];
    const started = await GuardedProcess.start(command, join(this.folder, 'broker.log'));
    this.#process = started;
    await until('Kafka listens', async () => {
      if (!started.running) throw new Error(`Kafka ended at once:\n${started.log()}`);
      return answers('127.0.0.1', this.port);
    });
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  pause(): void {
    this.#process?.signal('SIGSTOP');
  }

  resume(): void {
    this.#process?.signal('SIGCONT');
  }

  /** Ends it and removes its data. */
  async stop(): Promise<void> {
    await this.#process?.kill();
    await rm(this.folder, { recursive: true, force: true });
    await this.#will.execute();
  }
}

/** The first one is the controller, alone. */
function second(port: number): Record<string, string> {
  return { 'process.roles': 'broker', 'node.id': '2', listeners: `PLAINTEXT://127.0.0.1:${port}` };
}

function properties(
  folder: string,
  port: number,
  controller: number,
  settings: Readonly<Record<string, string>>,
): string {
  const all: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'auto.create.topics.enable': 'false',
    ...settings,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
