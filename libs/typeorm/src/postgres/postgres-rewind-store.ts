/**
 * The database's part of a rewind on PostgreSQL. Beside an event's life, while its group is stopped.
 *
 * One transaction, all of it or nothing. Never sets a fence forward.
 */
import { ExactlyOnceError, type RewindStep, type RewindStore, type Rewound } from '@exactly-once/core';
import type { PostgresPool, Statements } from './postgres-pool.js';
import { discardRewoundSql, nextGenerationSql, parkedOfHandlerSql, rewindFencesSql } from './rewind.sql.js';

/** Ends the transaction without a commit. */
class Parked extends Error {}

export class PostgresRewindStore implements RewindStore {
  constructor(readonly pool: PostgresPool) {}

  parkedEvents(handlerId: number): Promise<number> {
    return this.#parked((...given) => this.pool.query(...given), handlerId);
  }

  async rewind(step: RewindStep): Promise<Rewound | 'parked'> {
    const { group, topic, targets, newGeneration } = step;
    const partitions = [...targets.keys()];
    const offsets = [...targets.values()].map(String);
    try {
      return await this.pool.transaction(async (query) => {
        const begun = newGeneration === null ? null : await this.#begin(query, step, partitions, offsets);
        const values = [group, topic, partitions, offsets];
        const { rowCount } = await query(rewindFencesSql(this.pool.tables), values);
        return { fences: rowCount ?? 0, generation: null, discarded: 0, ...begun };
      });
    } catch (error) {
      if (error instanceof Parked) return 'parked';
      throw error;
    }
  }

  async #begin(
    query: Statements,
    { topic, newGeneration }: RewindStep,
    partitions: readonly number[],
    offsets: readonly string[],
  ): Promise<Pick<Rewound, 'generation' | 'discarded'>> {
    const { tables } = this.pool;
    const { handlerId, by } = newGeneration!;
    const { rows } = await query(nextGenerationSql(tables), [handlerId]);
    if (rows.length === 0) {
      throw new ExactlyOnceError('EO_REWIND_REFUSED', `handler ${handlerId} is not there any more`);
    }
    const generation: number = rows[0].generation;
    const why = `generation ${generation} runs everything again`;
    const values = [handlerId, topic, partitions, offsets, by, why];
    const { rowCount } = await query(discardRewoundSql(tables), values);
    if ((await this.#parked(query, handlerId)) > 0) throw new Parked();
    return { generation, discarded: rowCount ?? 0 };
  }

  async #parked(query: Statements, handlerId: number): Promise<number> {
    const { rows } = await query(parkedOfHandlerSql(this.pool.tables), [handlerId]);
    return rows[0].count;
  }
}
