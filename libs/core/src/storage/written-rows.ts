/**
 * What a transaction has written of the user's own tables, for a dry run. Beside step 5 of an event's life.
 *
 * Counted by the database, so that triggers and cascades are in it; what a nested transaction wrote and took back is, too.
 */
export interface WrittenRows {
  /** With its schema where that is not on the search path. */
  readonly table: string;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/**
 * What was written since the count began; deferred constraints are checked first, and throw. `null` where the database
 * does not count.
 */
export type RowCount = () => Promise<WrittenRows[] | null>;
