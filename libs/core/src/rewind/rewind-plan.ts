/**
 * What a rewind would do: where each partition stands and goes to, or why it must not be. Reads only.
 *
 * No record is ever passed by: a partition goes back or stays. Refused is whatever would run an event twice unasked.
 */
import type { GroupPositions, PartitionStanding } from '../broker/group-positions.js';
import type { Clock } from '../clock.js';
import { dayMs, defaultWindowDays } from '../engine/engine-options-check.js';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';
import type { GroupHandler } from '../inbox/handler-store.js';
import type { Storage } from '../storage/storage.js';

/** Milliseconds since the epoch; an offset of one partition; or all that the log still holds. */
export type RewindTarget = { readonly timeMs: number } | { readonly offset: bigint } | 'earliest';

export interface RewindRequest {
  readonly group: string;
  readonly to: RewindTarget;
  /** Default: that of `handler`, else the one topic that the group's handlers read. */
  readonly topic?: string;
  /** Default: all of the topic; with an offset they must be said where there are several. */
  readonly partitions?: readonly number[];
  /** For a new generation: who runs everything again. */
  readonly handler?: string;
  /**
   * `handler` gets a new generation: it runs every event again and publishes under new ids. What it handled before is no
   * duplicate for it any more, wherever it comes. Default: only what was missed is run.
   */
  readonly newGeneration?: boolean;
  /** A shorter deduplication window than the services of this database have recorded. Default: theirs, else 7 days. */
  readonly windowMs?: number;
  /** Goes behind the window although duplicates run again there. */
  readonly pastWindow?: boolean;
}

export interface RewindParts {
  readonly storage: Pick<Storage, 'handlers' | 'fences' | 'rewinds'>;
  readonly positions: GroupPositions;
  readonly clock: Pick<Clock, 'now'>;
}

export interface PartitionRewind {
  readonly partition: number;
  /** Offset of the next record as it stands; `null`: the group has not begun here, and begins where it is told to. */
  readonly from: bigint | null;
  /** Offset to go to; `from` where it stays. */
  readonly to: bigint | null;
  /** The target has left the log: it goes to the log's beginning. */
  readonly clamped: boolean;
  /** What the broker remembers. */
  readonly committed: bigint | null;
}

export interface RewindPlan {
  readonly group: string;
  readonly topic: string;
  /** Gets a new generation; `null`: only what was missed is run. */
  readonly newGeneration: GroupHandler | null;
  readonly partitions: readonly PartitionRewind[];
}

/** Throws EO_REWIND_REFUSED, EO_OPTION_MISSING and EO_OPTION_INVALID; what broker and storage throw passes through. */
export async function planRewind(parts: RewindParts, request: RewindRequest): Promise<RewindPlan> {
  const { group, newGeneration = false } = request;
  const known = await parts.storage.handlers.ofGroup(group);
  const topic = topicOf(request, known);
  const readers = known.filter((one) => one.topic === topic);
  const again = newGeneration ? handlerOf(request, readers) : null;
  await refuseWhereItRuns(parts, group);
  if (again !== null) await refuseParked(parts, again);
  const partitions = await standings(parts, request, topic);
  if (partitions.some(goesBack)) refuseByOffset(readers, again);
  const alone = again !== null && readers.length === 1;
  const windowMs = await windowOf(parts, request);
  if (!request.pastWindow && !alone) await refusePastWindow(parts, windowMs, topic, partitions);
  return { group, topic, newGeneration: again, partitions };
}

/** Whether the partition's position changes, in the database or at the broker. */
export function isMoved({ committed, ...partition }: PartitionRewind): boolean {
  return goesBack(partition) || (partition.from !== null && isAhead(committed, partition.to));
}

/** Records come again; else the broker's position alone is set right. */
function goesBack({ from, to }: Pick<PartitionRewind, 'from' | 'to'>): boolean {
  return from !== null && to !== null && to < from;
}

export function isAhead(committed: bigint | null, to: bigint | null): boolean {
  return committed !== null && to !== null && committed > to;
}

function refused(why: string): ExactlyOnceError {
  return new ExactlyOnceError('EO_REWIND_REFUSED', why);
}

function topicOf({ group, topic, handler }: RewindRequest, known: readonly GroupHandler[]): string {
  if (known.length === 0) throw refused(`no handler of group ${group} is known in this database`);
  if (handler !== undefined && !known.some(({ name }) => name === handler)) {
    const names = known.map(({ name }) => name).join(', ');
    throw refused(`group ${group} has no handler ${handler}; it has ${names}`);
  }
  const fitting = known.filter((one) => handler === undefined || one.name === handler);
  const topics = [...new Set(fitting.map((one) => one.topic))];
  if (topic !== undefined) {
    if (topics.includes(topic)) return topic;
    throw refused(
      `no handler of group ${group} reads ${topic} in this database; they read ${topics.join(', ')}`,
    );
  }
  if (topics.length === 1) return topics[0]!;
  const what = `group ${group} reads ${topics.join(', ')}: say which \`topic\``;
  throw new ExactlyOnceError('EO_OPTION_MISSING', what);
}

function handlerOf({ handler }: RewindRequest, readers: readonly GroupHandler[]): GroupHandler {
  const found = readers.find(({ name }) => name === handler);
  if (found !== undefined) return found;
  throw new ExactlyOnceError(
    'EO_OPTION_MISSING',
    'a new generation is one handler’s: say which `handler` runs everything again',
  );
}

/** Nothing but the position tells such a handler what it has handled. */
function refuseByOffset(readers: readonly GroupHandler[], again: GroupHandler | null): void {
  const names = readers
    .filter(({ id, dedup }) => dedup === 'offset' && id !== again?.id)
    .map(({ name }) => name);
  if (names.length === 0) return;
  throw refused(
    `${names.join(', ')} ${names.length === 1 ? 'says' : 'say'} dedup: 'offset' and would run everything again. Give it a ` +
      'group of its own, or rewind it alone as a new generation',
  );
}

async function refuseWhereItRuns({ positions }: RewindParts, group: string): Promise<void> {
  const members = await positions.members(group);
  if (members.length === 0) return;
  throw refused(
    `group ${group} runs: ${members.join(', ')}. Stop its service; a process that was killed counts until its session ends`,
  );
}

async function refuseParked({ storage }: RewindParts, { id, name }: GroupHandler): Promise<void> {
  const parked = await storage.rewinds.parkedEvents(id);
  if (parked > 0) throw parkedRefusal(name);
}

export function parkedRefusal(handler: string): ExactlyOnceError {
  return refused(
    `events of ${handler} are parked and would run twice: let them be retried, or discard them, before a new generation`,
  );
}

async function standings(
  { storage, positions }: RewindParts,
  request: RewindRequest,
  topic: string,
): Promise<PartitionRewind[]> {
  const { group, to, partitions: wanted } = request;
  const standing = await positions.standing(group, topic);
  if (standing.size === 0) throw refused(`the broker has no topic ${topic}`);
  const unknown = wanted?.filter((one) => !standing.has(one)) ?? [];
  if (unknown.length > 0) {
    const what = `topic ${topic} has ${standing.size} partitions and no ${unknown.join(', ')}`;
    throw new ExactlyOnceError('EO_OPTION_INVALID', what);
  }
  if (typeof to === 'object' && 'offset' in to && wanted === undefined && standing.size > 1) {
    const what = `an offset is one of a partition, and ${topic} has ${standing.size}: say which`;
    throw new ExactlyOnceError('EO_OPTION_MISSING', what);
  }
  const byTime = typeof to === 'object' && 'timeMs' in to ? await positions.at(topic, to.timeMs) : null;
  const found: PartitionRewind[] = [];
  for (const [partition, at] of [...standing].sort(([one], [other]) => one - other)) {
    if (wanted !== undefined && !wanted.includes(partition)) continue;
    const from = (await storage.fences.read({ group, topic, partition }))?.nextOffset ?? at.next;
    const goal = byTime?.get(partition) ?? (typeof to === 'object' && 'offset' in to ? to.offset : at.low);
    const exact = typeof to === 'object' && 'offset' in to;
    if (exact && from !== null && goal > from) throw refused(forward(topic, partition, from, goal));
    found.push({ partition, committed: at.next, ...target(at, from, goal) });
  }
  return found;
}

/** Where it stands before the target it stays: what it has not come to comes anyway. */
function target({ low }: PartitionStanding, from: bigint | null, goal: bigint) {
  if (from === null) return { from, to: null, clamped: false };
  const kept = goal < low ? low : goal;
  return { from, to: kept < from ? kept : from, clamped: goal < low };
}

function forward(topic: string, partition: number, from: bigint, goal: bigint): string {
  return `${topic}/${partition} stands at ${from}, before ${goal}: the records in between would be passed by`;
}

/** What the inbox has forgotten nobody can ask it to know. */
async function windowOf({ storage }: RewindParts, { windowMs }: RewindRequest): Promise<number> {
  const days = await storage.handlers.windowDays();
  if (days === null) return windowMs ?? defaultWindowDays * dayMs;
  if (windowMs === undefined || windowMs <= days * dayMs) return windowMs ?? days * dayMs;
  const what = `a window of ${windowMs / dayMs} days is longer than inbox records are kept here: ${days} days`;
  throw new ExactlyOnceError('EO_OPTION_INVALID', what);
}

async function refusePastWindow(
  { positions, clock }: RewindParts,
  windowMs: number,
  topic: string,
  partitions: readonly PartitionRewind[],
): Promise<void> {
  const edge = await positions.at(topic, Math.ceil(clock.now() - windowMs));
  const past = partitions.filter((one) => goesBack(one) && one.to! < (edge.get(one.partition) ?? 0n));
  if (past.length === 0) return;
  const where = past.map(({ partition }) => `${partition} from ${edge.get(partition)} on`).join(', ');
  throw refused(
    `the inbox may have forgotten what is older than ${windowMs / dayMs} days: it would run again. Within the window ` +
      `are, of ${topic}/partition: ${where}. Go less far back, or say \`pastWindow\``,
  );
}
