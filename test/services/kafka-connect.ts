/**
 * Kafka Connect with Debezium's PostgreSQL connector, standalone: jars from Maven Central, state in a temporary folder.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GuardedProcess } from './guarded-process.js';
import { LastWill } from './last-will.js';
import { mavenClasspath } from './maven-jars.js';

type Settings = Readonly<Record<string, string>>;

export class KafkaConnect {
  readonly #will: LastWill;

  private constructor(
    readonly folder: string,
    readonly process: GuardedProcess,
  ) {
    this.#will = LastWill.write(folder);
  }

  static async start(brokers: readonly string[], connector: Settings): Promise<KafkaConnect> {
    const classpath = await mavenClasspath('debezium-3.6.1', 'debezium/pom.xml');
    const folder = await mkdtemp(join(tmpdir(), 'eo-connect-'));
    const bytes = 'org.apache.kafka.connect.converters.ByteArrayConverter';
    const worker = {
      'bootstrap.servers': brokers.join(','),
      'key.converter': bytes,
      'value.converter': bytes,
      'offset.storage.file.filename': join(folder, 'offsets'),
      listeners: 'http://127.0.0.1:0',
    };
    const files = [join(folder, 'worker.properties'), join(folder, 'connector.properties')] as const;
    await writeFile(files[0], properties(worker));
    await writeFile(files[1], properties(connector));
    const java = ['java', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const quiet = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn';
    const main = ['org.apache.kafka.connect.cli.ConnectStandalone', ...files];
    const command = [...java, quiet, '-cp', classpath, ...main];
    return new KafkaConnect(folder, await GuardedProcess.start(command, join(folder, 'log')));
  }

  /** Throws where its one task has failed or it has ended: nothing more would come. */
  check(): void {
    const log = this.process.log();
    if (this.process.running && !log.includes('unrecoverable exception')) return;
    throw new Error(`Kafka Connect gave up:\n${log}`);
  }

  /** Ends it and removes its state. */
  async stop(): Promise<void> {
    await this.process.kill();
    await rm(this.folder, { recursive: true, force: true });
    await this.#will.execute();
  }
}

function properties(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
