/**
 * Whether the cluster answers at all: what gets no answer otherwise is then for a reason of its own. Step 2 of an
 * event's life.
 */
import { errorChain, type Logger } from '@exactly-once/core';
import type { KafkaClient } from './kafka-client.js';

export async function clusterAnswers(client: KafkaClient, logger: Logger): Promise<boolean> {
  const admin = client.admin({ retries: 0 });
  try {
    await admin.connect();
    await admin.ping();
    return true;
  } catch (error) {
    logger.debug(`the broker does not answer: ${errorChain(error).join(' <- ')}`);
    return false;
  } finally {
    await admin.disconnect();
  }
}
