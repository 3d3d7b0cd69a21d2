/**
 * The shortest session time-out that a broker accepts: a killed consumer's partitions are free only after it.
 */
import kafkajs from 'kafkajs';
import type { KafkaCluster } from '../../services/kafka.js';

const leastMs = 2_000;
const setting = 'group.min.session.timeout.ms';

export async function shortestSessionTimeoutMs(kafka: KafkaCluster): Promise<number> {
  return kafka.admin(async (admin) => {
    const { brokers } = await admin.describeCluster();
    const resource = { type: kafkajs.ConfigResourceTypes.BROKER, name: String(brokers[0]!.nodeId) };
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ ...resource, configNames: [setting] }],
    });
    const found = resources[0]?.configEntries.find(({ configName }) => configName === setting);
    return Math.max(leastMs, Number(found?.configValue ?? leastMs));
  });
}
