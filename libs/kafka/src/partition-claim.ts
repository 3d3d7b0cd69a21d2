/**
 * Claims a partition for this process and finds out where to begin. The fence refuses whoever had it before.
 */
import { ExactlyOnceError, type FenceKey, type FenceRow, type Storage } from '@exactly-once/core';
import type { LogOffsets } from './log-offsets.js';
import { replacedLog, type StartPosition, startPosition } from './start-position.js';

export interface ClaimRequest {
  readonly offsets: LogOffsets;
  readonly storage: Storage;
  readonly key: FenceKey;
  readonly owner: string;
  readonly startFrom: 'earliest' | 'latest';
  readonly dedup: 'inbox' | 'offset';
  /** Commits a position to the broker as this join. Throws EO_FENCED where the join is over, before it or meanwhile. */
  readonly commit: (next: bigint) => Promise<void>;
}

export interface Claimed {
  readonly position: StartPosition;
  /** How the former owner left the fence. */
  readonly found: Pick<FenceRow, 'clean' | 'suspect' | 'nextOffset'>;
  /** Offset after the last record of the log. */
  readonly high: bigint;
  /** Where the broker says that the group stands; `null` where it knows of nothing. */
  readonly committed: bigint | null;
}

/**
 * A fence is set back only by who may commit as a member of the present generation: the real owner's late commit would
 * else stand ahead of it. Throws EO_OFFSET_AHEAD, EO_LOG_CHANGED and EO_FENCED; kafkajs's and the storage's errors pass
 * through.
 */
export async function claimPartition(request: ClaimRequest): Promise<Claimed> {
  const { offsets, storage, key, owner, startFrom, dedup } = request;
  const where = `${key.topic}/${key.partition} of group ${key.group}`;
  const facts = async () => ({
    ...{ where, key, startFrom, dedup },
    ...(await offsets.of(key.topic, key.partition)),
  });
  const first = startPosition({ ...(await facts()), row: null });
  const row = await storage.fences.claim(key, owner, first.offset);
  try {
    // Asked again: only now nobody else moves the position any more.
    const known = await facts();
    const position = startPosition({ ...known, row });
    if (position.newLog) await beginLog(request, position.offset);
    else if (row.nextOffset !== position.offset) {
      if (position.offset < row.nextOffset) await request.commit(position.offset);
      await reposition(request, position.offset, false);
    }
    return { position, found: row, high: known.high, committed: known.committed };
  } catch (error) {
    // Nothing was run: it is left as it was found, or the next claim would look for an event that kills.
    if (row.clean) await storage.fences.release(key, owner);
    throw error;
  }
}

/** Moves a held claim to the beginning of a log that turned out to be another one. Throws EO_LOG_CHANGED, EO_FENCED. */
export async function restartLog(request: ClaimRequest): Promise<StartPosition> {
  const { key, offsets } = request;
  const { low } = await offsets.of(key.topic, key.partition);
  const facts = { where: `${key.topic}/${key.partition} of group ${key.group}`, dedup: request.dedup };
  const position = replacedLog(facts, low, 'the last processed record is another one now');
  await beginLog(request, low);
  return position;
}

/**
 * The broker first: its position may lie beyond the new log's, and the next claim would take that for records to be
 * passed by. A crash in between finds the log changed once more.
 */
async function beginLog(request: ClaimRequest, low: bigint): Promise<void> {
  await request.commit(low);
  await reposition(request, low, true);
}

async function reposition(request: ClaimRequest, next: bigint, newLog: boolean): Promise<void> {
  const { storage, key, owner } = request;
  if (await storage.fences.reposition(key, owner, next, newLog)) return;
  const { group, topic, partition } = key;
  throw new ExactlyOnceError(
    'EO_FENCED',
    `${topic}/${partition} of group ${group} was claimed by another meanwhile`,
  );
}
