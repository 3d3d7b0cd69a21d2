/**
 * Where a group stands in the log of the database, for a rewind.
 *
 * The fences are its only positions: nothing else is there to be moved.
 */
import type { GroupPositions, PartitionStanding } from '../broker/group-positions.js';
import type { FenceStore } from '../inbox/fence-store.js';
import type { LogStore } from './log-store.js';

export class DatabasePositions implements GroupPositions {
  readonly #log: LogStore;
  readonly #fences: FenceStore;

  constructor({ log, fences }: { readonly log: LogStore; readonly fences: FenceStore }) {
    this.#log = log;
    this.#fences = fences;
  }

  async members(group: string): Promise<string[]> {
    return (await this.#log.members(group)).map(({ name }) => name);
  }

  async standing(group: string, topic: string): Promise<Map<number, PartitionStanding>> {
    const found = new Map<number, PartitionStanding>();
    for (const { partition, first: low, next: high } of await this.#log.ends([topic])) {
      const fence = await this.#fences.read({ group, topic, partition });
      found.set(partition, { low, high, next: fence?.nextOffset ?? null });
    }
    return found;
  }

  async at(topic: string, timeMs: number): Promise<Map<number, bigint>> {
    const found = await this.#log.offsetsAt(topic, timeMs);
    return new Map(found.map(({ partition, offset }) => [partition, offset]));
  }

  async move(): Promise<void> {}

  async close(): Promise<void> {}
}
