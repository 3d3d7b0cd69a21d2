/**
 * What a run stood on: facts without which its figures say nothing. Asks the servers themselves.
 */
import { execFile } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import type { KafkaCluster } from '../../services/kafka.js';
import { kafkaClasspath } from '../../services/kafka-broker.js';
import type { PostgresServer } from '../../services/postgres.js';
import { nodeFlags } from './contestant-process.js';

const run = promisify(execFile);

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly postgres: string;
  readonly kafka: string;
}

export async function thisMachine(postgres: PostgresServer, kafka: KafkaCluster): Promise<Machine> {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: [process.versions.node, ...nodeFlags].join(' '),
    postgres: await postgresVersion(postgres),
    kafka: await kafkaVersion(kafka),
  };
}

async function postgresVersion(postgres: PostgresServer): Promise<string> {
  const database = await postgres.createDatabase('bench');
  try {
    const [{ version }] = await database.query(`SELECT current_setting('server_version') AS version`);
    return version;
  } finally {
    await database.drop();
  }
}

/** Of its metadata, as the cluster has agreed on it, for example `4.3`: a broker does not tell its own. */
async function kafkaVersion({ brokers }: KafkaCluster): Promise<string> {
  const tool = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', await kafkaClasspath()];
  const asked = [
    'org.apache.kafka.tools.FeatureCommand',
    '--bootstrap-server',
    brokers.join(','),
    'describe',
  ];
  const said = await run('java', [...tool, ...asked], { timeout: 60_000 }).catch(() => null);
  return /metadata\.version.*FinalizedVersionLevel: (\d+\.\d+)/.exec(said?.stdout ?? '')?.[1] ?? 'unknown';
}
