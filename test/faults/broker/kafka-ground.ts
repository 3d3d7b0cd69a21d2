/** Kafka from outside: kafkajs's admin client, and Kafka's own console consumer for dumps. */
import type { KafkaCluster } from '../../services/kafka.js';
import type { BrokerGround } from './broker-ground.js';

export function kafkaGround(kafka: KafkaCluster, sessionTimeoutMs: number): BrokerGround {
  return {
    name: 'kafka',
    sessionTimeoutMs,
    addresses: kafka.brokers,
    group: (prefix) => kafka.group(prefix),
    createTopic: (prefix, partitions) => kafka.createTopic(prefix, { partitions }),
    committed: (group, topic) => kafka.committed(group, topic),
    ends: (topic) => kafka.ends(topic),
    dump: (topic) => kafka.dump(topic, { isolation: 'read_committed' }),
    isAbandoned: (group) =>
      kafka.admin(async (admin) => {
        const { groups } = await admin.describeGroups([group]);
        return groups[0]?.members.length === 0;
      }),
    rewind: async (group, topic, byNumber) => {
      const committed = await kafka.committed(group, topic);
      const partitions = [...committed.keys()].map((partition) => ({ partition, offset: '0' }));
      await kafka.admin((admin) =>
        byNumber
          ? admin.setOffsets({ groupId: group, topic, partitions })
          : admin.resetOffsets({ groupId: group, topic, earliest: true }),
      );
    },
    cleanUp: () => kafka.cleanUp(),
  };
}
