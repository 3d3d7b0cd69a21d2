/**
 * Containers, where an engine runs. Testcontainers is loaded only then, and only if it is installed.
 *
 * Never fails: an engine that cannot start the image is warned of, and the next choice is tried.
 */
import { answers, answersAt, freePort } from './ports.js';

export interface Container {
  /** host:port */
  readonly address: string;
  readonly stop: () => Promise<void>;
}

interface Started {
  getHost(): string;
  getMappedPort(port: number): number;
  stop(): Promise<unknown>;
}

interface Testcontainers {
  GenericContainer: new (
    image: string,
  ) => {
    withExposedPorts(
      ...ports: (number | { container: number; host: number })[]
    ): ReturnType<typeof Object.create>;
  };
}

/** A socket file that nobody serves is no engine. */
function engineAnswers(): Promise<boolean> {
  const host = process.env['DOCKER_HOST'] ?? 'unix:///var/run/docker.sock';
  if (host.startsWith('unix://')) return answersAt({ path: host.slice('unix://'.length) });
  const { hostname, port } = new URL(host);
  return answers(hostname, Number(port || 2375));
}

/** `null` where no engine answers, or it cannot start the image. */
async function start(
  image: string,
  port: number,
  environment: Record<string, string>,
  hostPort?: number,
): Promise<Container | null> {
  if (!(await engineAnswers())) return null;
  const name = 'testcontainers'; // optional: an engine without it is no reason to fail, the next choice is tried
  const library = (await import(name).catch(() => null)) as Testcontainers | null;
  if (library === null) return null;
  const exposed = hostPort === undefined ? port : { container: port, host: hostPort };
  try {
    const started: Started = await new library.GenericContainer(image)
      .withExposedPorts(exposed)
      .withEnvironment(environment)
      .start();
    const stop = async () => void (await started.stop());
    return { address: `${started.getHost()}:${started.getMappedPort(port)}`, stop };
  } catch (error) {
    process.emitWarning(`Docker answers, but ${image} did not start: ${error}`);
    return null;
  }
}

export function dockerPostgres(): Promise<Container | null> {
  return start('postgres:15', 5432, { POSTGRES_HOST_AUTH_METHOD: 'trust' });
}

export function dockerRabbitmq(): Promise<Container | null> {
  return start('rabbitmq:3', 5672, {});
}

export async function dockerKafka(): Promise<Container | null> {
  const port = await freePort();
  const environment = {
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_LISTENERS: `PLAINTEXT://:${port},CONTROLLER://:9093`,
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000',
  };
  return start('apache/kafka:4.3.1', port, environment, port);
}
