/**
 * Which shards a relay takes and gives up, so that all that live share them. Pure. Step 2 of an event's life.
 *
 * The parts of all relays that see the same are the shards, each once; an older relay keeps what it has.
 */
import type { RelayView } from './lease-store.js';

export interface ShardPlan {
  readonly take: readonly number[];
  readonly giveUp: readonly number[];
  /** It has less than its part, and there is nothing to take yet. */
  readonly wants: boolean;
}

/** `held`: shards whose leases it keeps. */
export function planShards(view: RelayView, held: readonly number[]): ShardPlan {
  const { free, shardCount } = view;
  const part = partOf(view);
  const known = held.filter((shard) => shard < shardCount);
  const gone = held.filter((shard) => shard >= shardCount);
  const take = free.slice(0, Math.max(0, part - known.length));
  const wants = known.length + take.length < part;
  return { take, giveUp: [...known.slice(part), ...gone], wants };
}

/** Where the shards are to be split anew, the oldest relay takes them all. */
function partOf({ shardCount, wantedShardCount, relays, rank }: RelayView): number {
  if (wantedShardCount !== null) return rank === 0 ? shardCount : 0;
  return Math.floor(shardCount / relays) + (rank < shardCount % relays ? 1 : 0);
}
