/**
 * The ground on which most cases stand: one ledger handler, a seeded number of keys, partitions and events, and
 * batches of a seeded size.
 */
import type { Fate } from '../oracles/observation.js';
import type { Act, Message, MessageRequest } from '../record/message.js';
import type { FaultPlan, HandlerPlan, WorkerPlan } from '../worker/worker-plan.js';
import { fenceSql } from './observe.sql.js';
import { inputType, type Layout, type Stage } from './stage.js';
import type { WorkerProcess } from './worker-process.js';

const ledgerName = 'ledger/Ledger.record';

export interface Ground {
  readonly commit: 'batch' | 'event';
  readonly maxEvents: number;
  readonly dedupCacheSize: number;
  readonly keys: readonly string[];
}

/** Chooses the run's mode and makes its services. */
export async function layOut(
  stage: Stage,
  changes: Partial<Layout> = {},
  handler: Partial<HandlerPlan> = {},
): Promise<Ground> {
  const { random } = stage;
  const commit = random.pick(['batch', 'batch', 'event'] as const);
  const maxEvents = random.pick([1, 7, 50, 500]);
  const dedupCacheSize = random.pick([0, 10, 10_000]);
  const partitions = random.pick([1, 2, 4]);
  const keys = Array.from({ length: random.between(3, 12) }, (_, index) => `key-${index}`);
  const handlers: HandlerPlan[] = [{ name: ledgerName, type: inputType, commit, ...handler }];
  const layout = { partitions, handlers, ...changes };
  await stage.build(layout);
  const chosen = { commit, maxEvents, dedupCacheSize, partitions: layout.partitions, keys: keys.length };
  Object.assign(stage.schedule, chosen);
  return { commit, maxEvents, dedupCacheSize, keys };
}

/** How the handler takes its events. */
const forms = ['single', 'lanes', 'batch'] as const;

/** As `layOut`, with the form of the handler by the seed: three seeds in a row have them all. */
export async function layOutInAnyForm(
  stage: Stage,
  changes: Partial<Layout> = {},
  handler: Partial<HandlerPlan> = {},
): Promise<Ground> {
  const form = forms[stage.options.seed % forms.length]!;
  Object.assign(stage.schedule, { form });
  if (form === 'single') return layOut(stage, changes, handler);
  const batch = stage.random.pick([2, 10, 100]);
  const more = form === 'lanes' ? { concurrency: 32 } : { batch };
  const handlers = [{ name: ledgerName, type: inputType, commit: 'batch' as const, ...more, ...handler }];
  const ground = await layOut(stage, { handlers, ...changes });
  Object.assign(stage.schedule, { commit: 'batch' }, more);
  return { ...ground, commit: 'batch' };
}

/** An ordinary message for the ledger. */
export function ledgerMessage(
  stage: Stage,
  changes: Partial<MessageRequest> & { readonly act?: Act; readonly fate?: Fate } = {},
): Message {
  const { fate = 'effect', ...request } = changes;
  const topic = stage.topics[inputType]!;
  return stage.mint.make({ type: inputType, topic, fates: { [ledgerName]: fate }, ...request });
}

/** Ordinary messages over the ground's keys. */
export function ledgerMessages(
  stage: Stage,
  ground: Ground,
  count: number,
  changes: Partial<MessageRequest> = {},
): Message[] {
  return Array.from({ length: count }, () =>
    ledgerMessage(stage, { key: stage.random.pick(ground.keys), ...changes }),
  );
}

/** Produces the messages in the order given, from a process of its own, and waits for it. */
export async function produce(
  stage: Stage,
  messages: readonly Message[],
  sendAtOnce?: number,
): Promise<void> {
  const producer = await startProducer(stage, messages, sendAtOnce);
  await stage.finished(producer);
}

export async function startProducer(
  stage: Stage,
  messages: readonly Message[],
  sendAtOnce = stage.random.pick([1, 10, 100]),
): Promise<WorkerProcess> {
  await stage.prepareCounters(messages);
  return stage.start({ role: 'produce', messages: stage.messageFile(messages), sendAtOnce });
}

/** A publisher that is ready, and waits for its sign: `stage.go`. */
export async function startPublisher(
  stage: Stage,
  messages: readonly Message[],
  changes: Partial<WorkerPlan> = {},
): Promise<WorkerProcess> {
  await stage.prepareCounters(messages);
  const publisher = stage.start({ role: 'publish', messages: stage.messageFile(messages), ...changes });
  await publisher.ready(stage.options.patienceMs);
  return publisher;
}

export function consume(
  stage: Stage,
  { maxEvents, dedupCacheSize }: Ground,
  changes: Partial<WorkerPlan> = {},
): WorkerProcess {
  return stage.start({ role: 'consume', maxEvents, dedupCacheSize, ...changes });
}

/** Owners of the ordinary input's partitions, by partition. */
export async function owners(stage: Stage): Promise<string[]> {
  const rows = await stage.database.query(fenceSql, [stage.topics[inputType]]);
  return rows.map(({ owner }) => owner);
}

/** Waits until the worker has killed itself at its point; a worker that ends otherwise has no fault to show. */
export async function killsItself(stage: Stage, worker: WorkerProcess, plan: FaultPlan): Promise<void> {
  worker.expectEnd();
  const what = `${plan.signal} of ${worker.name} at ${plan.point}, hit ${plan.hit}`;
  const ended = await stage.eventually(what, async () => worker.exit !== null);
  stage.fault(what, ended && worker.exit?.signal === plan.signal && hasFired(stage, worker));
}

/** True where the worker has written down that it reached the point of its plan. */
export function hasFired(stage: Stage, worker: WorkerProcess): boolean {
  return stage.evidence().some((line) => line.kind === 'fault' && line.worker === worker.name);
}

/** On top of the oracles: none has ended, however. */
export function checkStayUp(stage: Stage, workers: readonly WorkerProcess[]): void {
  const gone = workers.filter(({ exit }) => exit !== null).map(({ name }) => name);
  stage.check(`the processes stay up (${gone} did not)`, gone.length === 0);
}
