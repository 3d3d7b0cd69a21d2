/**
 * What every Kafka client must do, as tests for jest or vitest. Each says one guarantee of the port `KafkaClient` in
 * @exactly-once/kafka.
 *
 * Knows no client: what it is given has topics of its own, and is closed again.
 */
import type { BrokerTestFramework } from '../broker-conformance/describe-broker.js';
import { describeAdministering } from './describe-administering.js';
import { describeConsuming } from './describe-consuming.js';
import { describeProducing } from './describe-producing.js';
import type { KafkaClientUnderTest } from './kafka-client-ground.js';

/** `patienceMs`: until something that does not come is given up; default 45,000. */
export function describeKafkaClient(
  name: string,
  { describe, it, beforeEach, afterEach }: BrokerTestFramework,
  open: () => Promise<KafkaClientUnderTest>,
  { patienceMs = 45_000 } = {},
): void {
  describe(`Kafka client ${name}`, () => {
    let under: KafkaClientUnderTest;

    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.close());

    const tests = { it, under: () => under, patienceMs };
    describeConsuming(tests);
    describeProducing(tests);
    describeAdministering(tests);
  });
}
