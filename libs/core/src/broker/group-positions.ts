/**
 * What an operator asks a broker about a consumer group, and where the group is to go on from. Beside an event's life:
 * only while nobody of the group runs.
 *
 * Moves what the broker remembers and nothing else: the fences are the database's.
 */
export interface PartitionStanding {
  /** Offset of the first record that is kept. */
  readonly low: bigint;
  /** Offset after the last record. */
  readonly high: bigint;
  /** Offset of the next record for the group; `null` where the broker knows of none. */
  readonly next: bigint | null;
}

export interface GroupPositions {
  /** The members of the group that live, by names that people recognise. */
  members(group: string): Promise<readonly string[]>;
  /** By partition. Empty where there is no such topic. */
  standing(group: string, topic: string): Promise<ReadonlyMap<number, PartitionStanding>>;
  /** By partition: offset of the first record that is not older than that time, else the log's end. */
  at(topic: string, timeMs: number): Promise<ReadonlyMap<number, bigint>>;
  /**
   * Sets positions by partition, and resolves when the broker has them. Rejects where a member lives. Nothing where the
   * broker remembers none: the fences are the positions then.
   */
  move(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void>;
  close(): Promise<void>;
}
