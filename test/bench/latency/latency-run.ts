/**
 * One run at a steady rate: a process publishes in business transactions, another consumes. Each event counts from when
 * it was due, so that a publisher that was held up hides nothing (coordinated omission), to the commit of its handler,
 * which the database tells by a notification.
 */
import pg from 'pg';
import { until } from '../../services/ports.js';
import type { Contestant, Measured, Stage } from '../harness/benchmark.js';
import { type Ground, onGround } from '../harness/ground.js';
import { auditLedger, countEffects, notifyEffects, readLedger } from '../harness/ledger.js';
import { quantiles } from '../harness/percentiles.js';
import { wallClock } from '../harness/wall-clock.js';

/** What the publisher tells of an order: its number, when it was due, when its transaction was committed. */
export type Published = readonly [number: number, dueAtMs: number, committedAtMs: number];

/** What the slower rates have of the events: they run for as long as the fastest. */
const fastest = 1_000;
/** Seconds that are audited, but not timed: code is compiled, sizes are learnt. */
const warmUpS = 3;
/** Milliseconds that the last notifications may take, when all effects are there. */
const tellingMs = 5_000;

/** The contestant's name ends with `@` and the events of a second. */
export function latencyRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  const perSecond = Number(/@(\d+)$/.exec(contestant.name)![1]);
  const warmUps = stage.smoke ? 0 : warmUpS * perSecond;
  const events = warmUps + Math.ceil((stage.events * perSecond) / fastest);
  return onGround(contestant, { ...stage, events }, async (ground) => {
    await notifyEffects(ground.database);
    const handledAtMs = new Map<number, number>();
    const listener = new pg.Client({ connectionString: ground.database.url });
    await listener.connect();
    const clockMs = wallClock();
    try {
      listener.on('notification', ({ payload }) => {
        handledAtMs.set(Number(payload!.slice('order-'.length)), clockMs());
      });
      await listener.query('LISTEN effect');
      const published = await openLoop(ground, events, perSecond);
      const told = async () => handledAtMs.size >= events;
      await until('all commits are told', told, tellingMs).catch(() => undefined); // the books say what is missing
      const { figures, findings } = latencies(published, handledAtMs, warmUps);
      findings.push(...auditLedger(await readLedger(ground.database), events));
      return { rate: figures['p50Ms']!, findings, figures };
    } finally {
      await listener.end();
    }
  });
}

/** Of all orders behind the warm-ups; a finding where one of them was not timed at both ends. */
export function latencies(
  published: readonly Published[],
  handledAtMs: ReadonlyMap<number, number>,
  warmUps: number,
): { figures: Record<string, number>; findings: string[] } {
  const due = published.filter(([number]) => number > warmUps);
  const timed = due.filter(([number]) => handledAtMs.has(number));
  const untimed = due.length - timed.length;
  const since = (at: 1 | 2) => timed.map((order) => handledAtMs.get(order[0])! - order[at]);
  return {
    figures: { ...named(since(1)), ...named(since(2), ' from commit') },
    findings: untimed === 0 ? [] : [`${untimed} of ${due.length} orders are not timed`],
  };
}

async function openLoop(ground: Ground, events: number, perSecond: number): Promise<readonly Published[]> {
  const { stage, database, running, counted } = ground;
  const publisher = { program: 'latency/publisher.entry.js', setting: JSON.stringify({ perSecond }) };
  return running(async (consuming) => {
    await until('the consumer has joined its group', () => hasJoined(ground), 60_000);
    return running(async (publishing) => {
      const isDone = async () => {
        stage.interrupted.throwIfAborted();
        if (publishing.ended !== null) throw new Error(`the publisher ${publishing.ended}`);
        return (publishing.told as Published[][]).reduce((sum, { length }) => sum + length, 0) >= events;
      };
      await until(`${events} events are published`, isDone, 60_000 + (events * 2_000) / perSecond);
      await counted(consuming, events, () => countEffects(database));
      return (publishing.told as Published[][]).flat();
    }, publisher);
  });
}

async function hasJoined({ stage, group }: Ground): Promise<boolean> {
  const { groups } = await stage.kafka.admin((admin) => admin.describeGroups([group]));
  return groups[0]?.state === 'Stable' && groups[0].members.length > 0;
}

function named(tookMs: readonly number[], from = ''): Record<string, number> {
  const each = quantiles(tookMs, [0.5, 0.99, 0.999]);
  return Object.fromEntries(['p50Ms', 'p99Ms', 'p999Ms'].map((name, at) => [`${name}${from}`, each[at]!]));
}
