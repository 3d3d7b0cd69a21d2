/**
 * Claims a partition for this process and finds out where to begin. The fence refuses whoever had it before.
 */
import type { FenceKey, Storage } from '@exactly-once/core';
import type { Admin } from 'kafkajs';
import { type StartPosition, startPosition } from './start-position.js';

export interface ClaimRequest {
  readonly key: FenceKey;
  readonly owner: string;
  readonly startFrom: 'earliest' | 'latest';
}

/** Throws EO_OFFSET_AHEAD; kafkajs's and the storage's errors pass through. */
export async function claimPartition(
  admin: Admin,
  storage: Storage,
  { key, owner, startFrom }: ClaimRequest,
): Promise<StartPosition> {
  const where = `${key.topic}/${key.partition} of group ${key.group}`;
  const facts = async () => {
    const bounds = await logBounds(admin, key);
    return { where, startFrom, committed: await committedOffset(admin, key, bounds.low), ...bounds };
  };
  const first = startPosition({ ...(await facts()), row: null });
  const row = await storage.fences.claim(key, owner, first.offset);
  // Asked again: only now nobody else moves the position any more.
  const position = startPosition({ ...(await facts()), row });
  if (row.nextOffset !== position.offset || position.newLog) {
    await storage.fences.reposition(key, owner, position.offset, position.newLog);
  }
  return position;
}

/** Moves a held claim to the beginning of a log that turned out to be another one. */
export async function restartLog(
  admin: Admin,
  storage: Storage,
  key: FenceKey,
  owner: string,
): Promise<bigint> {
  const { low } = await logBounds(admin, key);
  await storage.fences.reposition(key, owner, low, true);
  return low;
}

async function logBounds(
  admin: Admin,
  { topic, partition }: FenceKey,
): Promise<{ low: bigint; high: bigint }> {
  const offsets = await admin.fetchTopicOffsets(topic);
  const found = offsets.find((one) => one.partition === partition);
  return { low: BigInt(found?.low ?? '0'), high: BigInt(found?.high ?? '0') };
}

/** What kafkajs's own `resetOffsets({ earliest: true })` commits instead of an offset. */
const earliest = '-2';

async function committedOffset(
  admin: Admin,
  { group, topic, partition }: FenceKey,
  low: bigint,
): Promise<bigint | null> {
  const [answer] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
  const found = answer?.partitions.find((one) => one.partition === partition);
  if (found?.offset === earliest) return low;
  return found === undefined || Number(found.offset) < 0 ? null : BigInt(found.offset);
}
