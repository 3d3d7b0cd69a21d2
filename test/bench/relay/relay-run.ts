/**
 * One run of a relay, or of the producer beside it; then the topic's books, which the console consumer reads at
 * `read_committed`. A relay is timed until the row of the last event is gone from the outbox, asked for every few
 * milliseconds.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../services/ports.js';
import type { Contestant, Measured, Stage } from '../harness/benchmark.js';
import type { ContestantProcess } from '../harness/contestant-process.js';
import { type Ground, onGround } from '../harness/ground.js';
import { fillOutbox, isPending, outboxRows } from './filled-outbox.js';
import { peerWarmUps } from './peer-clock.js';
import { TopicBooks } from './topic-books.js';

const patienceMs = 300_000;
const everyMs = 5;
const warmUps = 10_000;
/** They take a transaction for each event. */
const mostOfPeers = 5_000;

/** From the first shard that it publishes to the last row settled. */
export function relayRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  return drained(contestant, stage, 0);
}

/** From the row before those that count, when that is settled, to the last. */
export function warmRelayRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  return drained(contestant, stage, warmUps);
}

/** The same over as many events as the peers are given. */
export function fewRelayRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  return warmRelayRun(contestant, { ...stage, events: Math.min(stage.events, mostOfPeers) });
}

/** From its first request to the last acknowledgement, by its own clock. */
export function producerRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  return toldRun(contestant, stage, 0);
}

/** A peer fills an outbox of its own, and tells when it begins with those that count, and when nothing is left. */
export function peerRun(contestant: Contestant, stage: Stage): Promise<Measured> {
  return toldRun(contestant, { ...stage, events: Math.min(stage.events, mostOfPeers) }, peerWarmUps);
}

function toldRun(contestant: Contestant, stage: Stage, before: number): Promise<Measured> {
  const all = before + stage.events;
  return onGround(contestant, { ...stage, events: all }, async (ground) => {
    const tookMs = await ground.running(async (process) => {
      const isDone = async () => {
        stillRuns(process, ground);
        return !Number.isNaN(process.doneAtMs);
      };
      await until(`${contestant.name} has sent its events`, isDone, patienceMs);
      return process.doneAtMs - process.startedAtMs;
    });
    const ordered = contestant.setting !== 'unordered';
    return measured(stage.events, tookMs, await topicFindings(ground, all, ordered));
  });
}

function drained(contestant: Contestant, stage: Stage, before: number): Promise<Measured> {
  const all = before + stage.events;
  return onGround(contestant, stage, async (ground) => {
    await fillOutbox(ground.database, ground.topic, all);
    const tookMs = await ground.running(async (process) => {
      const warmAtMs = before > 0 ? await settledAtMs(ground, process, before) : null;
      const endMs = await settledAtMs(ground, process, all);
      return endMs - (warmAtMs ?? process.startedAtMs);
    });
    const left = await outboxRows(ground.database);
    const findings = await topicFindings(ground, all);
    if (left > 0) findings.push(`${left} rows left in the outbox`);
    return measured(stage.events, tookMs, findings);
  });
}

/** When the row at that position was found gone. The rows of the one shard go in their order. */
async function settledAtMs(
  { database, ...ground }: Ground,
  process: ContestantProcess,
  position: number,
): Promise<number> {
  const giveUpAtMs = Date.now() + patienceMs;
  while (await isPending(database, position)) {
    stillRuns(process, ground);
    if (Date.now() > giveUpAtMs) throw new Error(`row ${position} was not settled in ${patienceMs} ms`);
    await sleep(everyMs);
  }
  return Date.now();
}

function stillRuns(process: ContestantProcess, { stage }: Pick<Ground, 'stage'>): void {
  stage.interrupted.throwIfAborted();
  if (process.ended !== null) throw new Error(`the contestant ${process.ended}`);
}

async function topicFindings({ stage, topic }: Ground, events: number, ordered = true): Promise<string[]> {
  const books = new TopicBooks(events, ordered);
  await stage.kafka.read(topic, { isolation: 'read_committed' }, (record) => books.enter(record));
  return books.findings();
}

function measured(events: number, tookMs: number, findings: string[]): Measured {
  return { rate: (events * 1_000) / Math.max(tookMs, 1), findings };
}
