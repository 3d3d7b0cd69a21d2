/**
 * The kafkajs client of a `transform` worker, with crash points around the end of each Kafka transaction and planted
 * bugs around those. Handed to the product as a user hands over a client of his own.
 */
import kafkajs, { type Kafka, type Producer, type ProducerConfig, type Transaction } from 'kafkajs';
import type { Witness } from './witness.js';
import type { WorkerPlan } from './worker-plan.js';

type Offsets = Parameters<Transaction['sendOffsets']>[0];

export function transactionalClient(plan: WorkerPlan, witness: Witness): Kafka {
  const kafka = new kafkajs.Kafka({
    clientId: plan.name,
    brokers: [...plan.brokers],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  return {
    admin: kafka.admin.bind(kafka),
    consumer: kafka.consumer.bind(kafka),
    logger: kafka.logger.bind(kafka),
    producer: (config) =>
      producerWithBugs(plan, kafka, config, (own) => producerWithPoints(kafka, own, witness)),
  };
}

function producerWithPoints(kafka: Kafka, config: ProducerConfig | undefined, witness: Witness): Producer {
  const producer = kafka.producer(config);
  return withTransactions(producer, (transaction) => ({
    ...transaction,
    commit: async () => {
      await witness.pass('end:before');
      await transaction.commit();
      await witness.pass('end:after');
    },
  }));
}

function producerWithBugs(
  { planted }: WorkerPlan,
  kafka: Kafka,
  config: ProducerConfig | undefined,
  make: (config: ProducerConfig | undefined) => Producer,
): Producer {
  const id = config?.transactionalId;
  if (id === undefined) return make(config);
  if (planted.includes('transactional-id-per-process')) {
    return make({ ...config, transactionalId: `${id}/${process.pid}` });
  }
  const producer = make(config);
  if (planted.includes('offsets-apart')) {
    return offsetsApart(producer, kafka.producer({ ...config, transactionalId: `${id}/offsets` }));
  }
  return planted.includes('output-apart') ? outputApart(producer, kafka.producer()) : producer;
}

function offsetsApart(producer: Producer, other: Producer): Producer {
  const paired = together(producer, other);
  return withTransactions(paired, (transaction) => {
    let offsets: Offsets | null = null;
    return {
      ...transaction,
      sendOffsets: async (given) => {
        offsets = given;
      },
      commit: async () => {
        await transaction.commit();
        if (offsets === null) return;
        const apart = await other.transaction();
        await apart.sendOffsets(offsets);
        await apart.commit();
      },
    };
  });
}

function outputApart(producer: Producer, other: Producer): Producer {
  return withTransactions(together(producer, other), (transaction) => ({
    ...transaction,
    sendBatch: (batch) => other.sendBatch(batch),
  }));
}

/** Both connect and disconnect as one. */
function together(producer: Producer, other: Producer): Producer {
  return {
    ...producer,
    connect: async () => {
      await producer.connect();
      await other.connect();
    },
    disconnect: async () => {
      await producer.disconnect();
      await other.disconnect();
    },
  };
}

function withTransactions(producer: Producer, change: (transaction: Transaction) => Transaction): Producer {
  return { ...producer, transaction: async () => change(await producer.transaction()) };
}
