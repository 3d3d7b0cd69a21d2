/**
 * One run of a consumer: its own topic, filled before it starts, its own group and database; then its books.
 * Measured from the first fetched records to the last effect, so joining the group and starting up do not count.
 */
import { until } from '../services/ports.js';
import type { TestDatabase } from '../services/postgres.js';
import type { Contestant, Measured, Stage } from './benchmark.js';
import { ContestantProcess } from './contestant-process.js';
import { auditLedger, countEffects, createLedger, readLedger } from './ledger.js';
import { produceEvents } from './produce-events.js';

const partitions = 4;
/** Milliseconds after which a run that has not ended is given up. */
const patienceMs = 300_000;
/** Milliseconds without a new effect after which no more are waited for: the books then say what is missing. */
const stallMs = 10_000;

export async function consumeRun(
  { name, program, setting = '' }: Contestant,
  stage: Stage,
): Promise<Measured> {
  const { events, postgres, kafka } = stage;
  const database = await postgres.createDatabase('bench');
  try {
    const topic = await kafka.createTopic('bench', { partitions });
    await produceEvents(kafka, topic, events);
    await createLedger(database);
    const group = kafka.group('bench');
    const request = { databaseUrl: database.url, brokers: kafka.brokers, topic, group, events, setting };
    const process = new ContestantProcess(program, request);
    try {
      await handled(name, process, database, stage);
    } finally {
      await process.stop();
    }
    const ledger = await readLedger(database);
    const seconds = (ledger.lastEffectAtMs - process.startedAtMs) / 1_000;
    return { rate: events / Math.max(seconds, 0.001), findings: auditLedger(ledger, events) };
  } finally {
    await database.drop();
    await kafka.cleanUp();
  }
}

/** Resolves when there are as many effects as events, or no more of them come. */
async function handled(
  name: string,
  process: ContestantProcess,
  database: TestDatabase,
  { events, interrupted }: Stage,
): Promise<void> {
  let [seen, sinceMs] = [0, Date.now()];
  const over = async () => {
    interrupted.throwIfAborted();
    const ended = process.ended;
    const effects = await countEffects(database);
    if (effects < events && ended !== null) throw new Error(`${name} ${ended}`);
    if (effects !== seen) [seen, sinceMs] = [effects, Date.now()];
    return effects >= events || (effects > 0 && Date.now() - sinceMs > stallMs);
  };
  await until(`${name} has handled ${events} events`, over, patienceMs);
}
