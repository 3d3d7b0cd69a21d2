/**
 * The database's part of a rewind: fences go back, and where a handler runs everything again it gets a new generation.
 *
 * One transaction: it happens as a whole or not at all, and may be asked for again.
 */
export interface RewindStep {
  readonly group: string;
  readonly topic: string;
  /** By partition: offset of the record to begin with. */
  readonly targets: ReadonlyMap<number, bigint>;
  /** The handler that runs everything again, and who decides that; `null`: only what was missed is run. */
  readonly newGeneration: { readonly handlerId: number; readonly by: string } | null;
}

export interface Rewound {
  /** How many fences went back. */
  readonly fences: number;
  /** The handler's generation from now on; `null` where it was not to get another. */
  readonly generation: number | null;
  /** Dead letters that were given up, since their events come again. */
  readonly discarded: number;
}

export interface RewindStore {
  /** Events of the handler that are parked. */
  parkedEvents(handlerId: number): Promise<number>;
  /**
   * Sets the fences that stand behind their target back to it: in order, without the fingerprint of a last record and
   * without a suspect. A handler's new generation knows no event, and its dead letters at or behind the targets are
   * discarded. Answers `parked`, and changes nothing, where events of that handler are parked: they would run twice.
   */
  rewind(step: RewindStep): Promise<Rewound | 'parked'>;
}
