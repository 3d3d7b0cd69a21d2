/**
 * Case 19: consumers come and go, so that the partitions change hands again and again.
 */
import type { FaultCase } from '../harness/fault-case.js';
import { handledBySql } from '../harness/observe.sql.js';
import { consume, layOut, ledgerMessages, startProducer } from '../harness/ordinary-run.js';
import { rebalanceEvery } from '../harness/rebalance-driver.js';
import { claims, layOutTransactional, produceSome, transform } from '../harness/transactional-run.js';

const rebalances: FaultCase = {
  number: 19,
  fault: 'A rebalance every 2 s, 1–6 consumers',
  looksFor: 'L D R',
  heavy: true,
  run: async (stage) => {
    const ground = await layOut(stage, { partitions: 4 });
    const pace = { paceMs: 15, maxEvents: Math.min(ground.maxEvents, 20) };
    await startProducer(stage, ledgerMessages(stage, ground, stage.random.between(400, 700)), 10);
    const moves = await rebalanceEvery(stage, {
      everyMs: 2_000,
      steps: stage.random.between(5, 8),
      most: 6,
      start: () => consume(stage, ground, pace),
    });
    await stage.drained();
    const handling = await stage.database.query(handledBySql);
    stage.fault(`${moves} rebalances`, moves > 0);
    stage.fault(`${handling.length} consumers handled`, handling.length > 1);
  },
};

/** Consumers that died leave a transaction open, which their successor ends. */
const inTransactions: FaultCase = {
  number: 19,
  fault: 'A rebalance every 2 s, 1–6 consumers',
  looksFor: 'L D T R',
  heavy: true,
  brokers: ['kafka'],
  transaction: 'kafka',
  run: async (stage) => {
    const ground = await layOutTransactional(stage, [4]);
    const pace = { paceMs: 15, maxEvents: Math.min(ground.maxEvents, 20) };
    await startProducer(stage, ledgerMessages(stage, ground, stage.random.between(400, 700)), 10);
    const moves = await rebalanceEvery(stage, {
      everyMs: 2_000,
      steps: stage.random.between(5, 8),
      most: 6,
      start: () => transform(stage, ground, pace),
    });
    await produceSome(stage, ground, 20);
    await stage.drained();
    const claiming = stage.workers.filter((worker) => claims(stage, worker).size > 0).length;
    stage.fault(`${moves} rebalances`, moves > 0);
    stage.fault(`${claiming} consumers had partitions`, claiming > 1);
  },
};

export const rebalanceCases: readonly FaultCase[] = [rebalances, inTransactions];
