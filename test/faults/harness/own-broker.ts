/** A broker of a run's own: killing it disturbs nobody. */
import { KafkaCluster } from '../../services/kafka.js';
import { KafkaBroker } from '../../services/kafka-broker.js';
import { kafkaGround } from '../broker/kafka-ground.js';
import { shortestSessionTimeoutMs } from './session-timeout.js';
import type { Stage } from './stage.js';

export async function ownBroker(stage: Stage): Promise<KafkaBroker> {
  const broker = await KafkaBroker.start();
  const cluster = new KafkaCluster([broker.address], () => broker.stop());
  stage.broker = {
    ...kafkaGround(cluster, await shortestSessionTimeoutMs(cluster)),
    cleanUp: () => broker.stop(),
  };
  return broker;
}
