/**
 * Case 9: sessions of consumers, relays, publishers and producers are ended by `pg_terminate_backend`, at random.
 */

import { endSessions } from '../../harness/end-sessions.js';
import type { FaultCase } from '../../harness/fault-case.js';
import {
  checkStayUp,
  consume,
  layOutInAnyForm,
  ledgerMessages,
  startProducer,
  startPublisher,
} from '../../harness/ordinary-run.js';
import type { Stage } from '../../harness/stage.js';

async function endAgain(stage: Stage): Promise<void> {
  const { random } = stage;
  const ground = await layOutInAnyForm(stage, { partitions: 4 });
  const consumers = [0, 1].map(() => consume(stage, ground, { paceMs: random.pick([1, 5]) }));
  const messages = ledgerMessages(stage, ground, 100, { source: 'publish' });
  const publisher = await startPublisher(stage, messages, { paceMs: 20 });
  for (const consumer of consumers) await consumer.ready();
  stage.go(publisher);
  await startProducer(stage, ledgerMessages(stage, ground, random.between(200, 400)), 10);
  const rounds = random.between(8, 14);
  const sum = { ended: 0, busy: 0, consuming: 0 };
  for (let round = 0; round < rounds; round++) {
    await new Promise((resolve) => setTimeout(resolve, random.between(50, 400)));
    const { ended, busy, consuming } = await endSessions(stage, random.pick([0.2, 0.5, 1]));
    sum.ended += ended;
    sum.busy += busy;
    sum.consuming += consuming;
  }
  Object.assign(stage.schedule, { rounds });
  Object.assign(stage.measured, sum);
  const whose = `${sum.busy} of them within a transaction, ${sum.consuming} of these of consumers`;
  stage.fault(`${sum.ended} sessions ended, ${whose}`, sum.busy > 2 && sum.consuming > 0);
  await stage.finished(publisher);
  await startProducer(stage, ledgerMessages(stage, ground, 20));
  await stage.drained();
  checkStayUp(stage, consumers);
}

export const endedSessionsCase: FaultCase = {
  number: 9,
  fault: 'pg_terminate_backend at random',
  looksFor: 'V T',
  run: endAgain,
};
