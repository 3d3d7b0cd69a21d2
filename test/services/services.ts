/**
 * All that a run needs, found or started together, for programs and for jest alike.
 *
 * What was started here is stopped here, also where another service cannot be had. Never stops what it found.
 */
import { findKafka, type KafkaCluster } from './kafka.js';
import { findPostgres, type PostgresServer } from './postgres.js';
import { findRabbitmq, type RabbitmqServer } from './rabbitmq.js';

export interface Services {
  readonly postgres: PostgresServer;
  readonly kafka: KafkaCluster;
  /** Looked for when first asked: few need it. Rejects with the choices where there is none. */
  rabbitmq(): Promise<RabbitmqServer>;
  /** Deletes the topics, groups and queues that were made through these, then stops what was started. */
  stop(): Promise<void>;
}

export async function findServices(): Promise<Services> {
  const [postgres, kafka] = await Promise.allSettled([findPostgres(), findKafka()]);
  if (postgres.status === 'fulfilled' && kafka.status === 'fulfilled')
    return together(postgres.value, kafka.value);
  if (postgres.status === 'fulfilled') await postgres.value.stop();
  if (kafka.status === 'fulfilled') await kafka.value.stop();
  const reasons = [postgres, kafka].flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (reasons.length === 1) throw reasons[0];
  throw new AggregateError(reasons, reasons.map(({ message }) => message).join('; '));
}

/** For programs: finds or starts, works, and stops what it started, also where `work` rejects. */
export async function withServices<T>(work: (services: Services) => Promise<T>): Promise<T> {
  const services = await findServices();
  try {
    return await work(services);
  } finally {
    await services.stop();
  }
}

function together(postgres: PostgresServer, kafka: KafkaCluster): Services {
  let rabbitmq: Promise<RabbitmqServer> | null = null;
  return {
    postgres,
    kafka,
    rabbitmq: () => {
      rabbitmq ??= findRabbitmq();
      return rabbitmq;
    },
    stop: async () => {
      const queues = rabbitmq?.then(
        (server) => server.stop(),
        () => undefined, // there was none: whoever asked for it was told
      );
      const ends = await Promise.allSettled([kafka.stop(), postgres.stop(), queues]);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  };
}
