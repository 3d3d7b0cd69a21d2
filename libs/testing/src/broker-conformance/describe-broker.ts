/**
 * What every broker must do, as tests for jest or vitest. Each says one guarantee of the broker port in core.
 *
 * Knows no adapter: what it is given has nothing on it, and is closed again.
 */
import type { BrokerFeatures, BrokerTests, BrokerUnderTest, It } from './broker-under-test.js';
import { describeDelivery } from './describe-delivery.js';
import { describeMembership } from './describe-membership.js';
import { describePositions } from './describe-positions.js';
import { describeSending } from './describe-sending.js';
import { describeStopping } from './describe-stopping.js';

export interface BrokerTestFramework {
  describe(title: string, body: () => void): void;
  readonly it: It;
  beforeEach(body: () => Promise<void>): void;
  afterEach(body: () => Promise<void>): void;
}

/** A test may take as long as three session time-outs of the broker. */
export function describeBroker(
  name: string,
  { describe, it, beforeEach, afterEach }: BrokerTestFramework,
  open: () => Promise<BrokerUnderTest>,
  features: BrokerFeatures = {},
): void {
  describe(`broker ${name}`, () => {
    let under: BrokerUnderTest;

    beforeEach(async () => {
      under = await open();
    });
    afterEach(() => under.close());

    const { sharesPartitions = true, makesTopics = true } = features;
    const { largestBody = Number.POSITIVE_INFINITY, patienceMs = 45_000 } = features;
    const tests: BrokerTests = {
      it,
      under: () => under,
      features: { sharesPartitions, makesTopics, largestBody, patienceMs },
    };
    describeDelivery(tests);
    describeSending(tests);
    describePositions(tests);
    describeStopping(tests);
    if (sharesPartitions) describeMembership(tests);
  });
}
