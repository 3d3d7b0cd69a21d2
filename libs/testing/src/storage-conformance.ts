/**
 * What every storage must do, as tests for jest or vitest. Each says one guarantee of the ports in core.
 *
 * Knows no adapter: what it is given is opened, empty, and closed again.
 */
import type { Storage } from '@exactly-once/core';
import { describeConcurrency, type It } from './concurrency-conformance.js';
import { describeDeadLetters } from './dead-letter-conformance.js';
import { describeDecisions } from './decision-conformance.js';
import { describeFences } from './fence-conformance.js';
import { describeHandlers } from './handler-conformance.js';
import { describeAdmission } from './inbox-conformance.js';
import { describeOutboxBatches } from './outbox-batch-conformance.js';
import { describeOverview } from './overview-conformance.js';
import { describeParking } from './parking-conformance.js';
import { describeRelaying } from './relay-conformance.js';
import { describeReplays } from './replay-conformance.js';
import { describeRewinding } from './rewind-conformance.js';
import { describeSuspects } from './suspect-conformance.js';

export interface StorageUnderTest {
  /** Opened, empty. */
  readonly storage: Storage;
  close(): Promise<void>;
}

/** What a storage can do that others cannot; the suite asks for what is declared, either way. */
export interface StorageFeatures {
  /** Two transactions can be open at once. False: the second one begins when the first has ended. Default true. */
  readonly concurrentTransactions?: boolean;
}

export interface TestFramework {
  describe(title: string, body: () => void): void;
  readonly it: It;
  beforeEach(body: () => Promise<void>): void;
  afterEach(body: () => Promise<void>): void;
}

export function describeStorage(
  name: string,
  { describe, it, beforeEach, afterEach }: TestFramework,
  open: () => Promise<StorageUnderTest>,
  { concurrentTransactions = true }: StorageFeatures = {},
): void {
  describe(`storage ${name}`, () => {
    let under: StorageUnderTest;
    let storage: Storage;

    beforeEach(async () => {
      under = await open();
      storage = under.storage;
    });
    afterEach(() => under.close());

    describeAdmission(it, () => storage);
    describeConcurrency(it, () => storage, concurrentTransactions);
    describeFences(it, () => storage);
    describeSuspects(it, () => storage);
    describeParking(it, () => storage, concurrentTransactions);
    describeDeadLetters(it, () => storage);
    describeReplays(it, () => storage);
    describeOverview(it, () => storage);
    describeRelaying(it, () => storage, concurrentTransactions);
    describeDecisions(it, () => storage);
    describeOutboxBatches(it, () => storage);
    describeHandlers(it, () => storage);
    describeRewinding(it, () => storage);
  });
}
