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
const telling = ['shared_buffers', 'fsync', 'synchronous_commit', 'autovacuum', 'max_wal_size'];

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly postgres: string;
  /** Of PostgreSQL, as it shows them: those on which such figures hang. */
  readonly settings: Readonly<Record<string, string>>;
  readonly kafka: string;
}

export async function thisMachine(postgres: PostgresServer, kafka: KafkaCluster): Promise<Machine> {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: [process.versions.node, ...nodeFlags].join(' '),
    ...(await postgresFacts(postgres)),
    kafka: await kafkaVersion(kafka),
  };
}

async function postgresFacts(postgres: PostgresServer): Promise<Pick<Machine, 'postgres' | 'settings'>> {
  const database = await postgres.createDatabase('bench');
  try {
    const rows = await database.query(
      'SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS given (name)',
      [['server_version', ...telling]],
    );
    const { server_version: version, ...settings } = Object.fromEntries(
      rows.map(({ name, value }) => [name, value]),
    );
    return { postgres: version, settings };
  } finally {
    await database.drop();
  }
}

/** Of its metadata, as the cluster has agreed on it, for example `4.3`: a broker does not tell its own. */
async function kafkaVersion({ brokers }: KafkaCluster): Promise<string> {
  const asked = [
    'org.apache.kafka.tools.FeatureCommand',
    '--bootstrap-server',
    brokers.join(','),
    'describe',
  ];
  const ask = async () => {
    const tool = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', await kafkaClasspath()];
    return run('java', [...tool, ...asked], { timeout: 60_000 });
  };
  const said = await ask().catch(() => null); // without Java or Maven it stays unknown
  return /metadata\.version.*FinalizedVersionLevel: (\d+\.\d+)/.exec(said?.stdout ?? '')?.[1] ?? 'unknown';
}
