/** Kafka from outside: kafkajs's admin client, and Kafka's own console consumer for dumps. */
import kafkajs from 'kafkajs';
import type { KafkaCluster } from '../../services/kafka.js';
import { until } from '../../services/ports.js';
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
    dump: (topic, isolation = 'read_committed') => kafka.dump(topic, { isolation }),
    read: (topic, take) => kafka.read(topic, { isolation: 'read_committed' }, take),
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
    recreateTopic: async (topic, partitions) => {
      await kafka.admin(async (admin) => {
        await admin.deleteTopics({ topics: [topic] });
        await until('the topic is gone', async () => !(await admin.listTopics()).includes(topic));
        await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] }).catch(notYetKnown);
        await until('the topic is back', async () =>
          admin.fetchTopicOffsets(topic).then((ends) => ends.length === partitions, notYetKnown),
        );
      });
    },
    addPartitions: async (topic, count) => {
      await kafka.admin(async (admin) => {
        await admin.createPartitions({ topicPartitions: [{ topic, count }] }).catch(notYetKnown);
        await until('the partitions are there', async () =>
          admin.fetchTopicOffsets(topic).then((ends) => ends.length === count, notYetKnown),
        );
      });
    },
    raiseLimit: async (topic, bytes) => {
      const configEntries = [{ name: 'max.message.bytes', value: String(bytes) }];
      const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries };
      await kafka.admin((admin) => admin.alterConfigs({ validateOnly: false, resources: [resource] }));
    },
    deleteGroups: (groups) =>
      kafka.admin(async (admin) => {
        const known = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
        const present = groups.filter((group) => known.includes(group));
        if (present.length > 0) await admin.deleteGroups([...present]);
        return present.length;
      }),
    cleanUp: () => kafka.cleanUp(),
  };
}

/** A topic that was just made is not known everywhere at once. */
function notYetKnown(error: { retriable?: boolean }): false {
  if (error.retriable !== true) throw error;
  return false;
}
