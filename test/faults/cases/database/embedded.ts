/**
 * Case 38: several handlers of several partitions at once on a database that has one session, in the process itself,
 * which dies at one point and is started again.
 */
import { EmbeddedDatabase } from '../../harness/embedded-database.js';
import type { FaultCase } from '../../harness/fault-case.js';
import { consume, killsItself, layOut, ledgerMessage } from '../../harness/ordinary-run.js';
import { inputType, type Stage } from '../../harness/stage.js';
import type { FaultPlan, HandlerPlan } from '../../worker/worker-plan.js';

/** Each of another form. */
const handlers: readonly HandlerPlan[] = [
  { name: 'ledger/Ledger.alone', type: inputType, commit: 'event' },
  { name: 'ledger/Ledger.together', type: inputType, commit: 'batch' },
  { name: 'ledger/Ledger.arrays', type: inputType, commit: 'batch', batch: 10 },
];

async function produce(stage: Stage, database: EmbeddedDatabase, keys: readonly string[], count: number) {
  const fates = Object.fromEntries(handlers.map(({ name }) => [name, 'effect' as const]));
  const topic = stage.topics[inputType]!;
  const messages = Array.from({ length: count }, () =>
    ledgerMessage(stage, { key: stage.random.pick(keys), topic, fates }),
  );
  await stage.prepareCounters(messages);
  await database.append(stage.folder, messages);
}

async function runEmbedded(stage: Stage): Promise<void> {
  const { random } = stage;
  const database = await EmbeddedDatabase.make();
  stage.database = database;
  const ground = await layOut(stage, { partitions: 8, handlers });
  const fault: FaultPlan = {
    point: random.pick(['admit:after', 'handler:between', 'commit:before', 'commit:after']),
    hit: random.between(5, 40),
    signal: 'SIGKILL',
  };
  Object.assign(stage.schedule, { fault });
  const start = (changes: object) => () =>
    consume(stage, ground, { dataFolder: database.folder, ...changes });
  await produce(stage, database, ground.keys, random.between(100, 200));
  await killsItself(stage, await database.giveTo(start({ fault })), fault);
  await produce(stage, database, ground.keys, 40);
  await database.giveTo(start({}));
  await stage.drained();
  const most = Math.max(
    0,
    ...stage.evidence().map((line) => (line.kind === 'beside' ? line.transactions : 0)),
  );
  Object.assign(stage.measured, { 'transactions at once': most });
  stage.fault(`${most} transactions were wanted at once`, most > 1);
}

export const embeddedCase: FaultCase = {
  number: 38,
  fault: 'PGlite: concurrent handlers on its one session, and SIGKILL',
  looksFor: 'T',
  brokers: ['database'],
  run: runEmbedded,
};
