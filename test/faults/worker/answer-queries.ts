/**
 * Lets the runner look into a database that only this process can open: its statements come by the channel between the two.
 */
import type { DataSource } from 'typeorm';

export interface Query {
  readonly number: number;
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

export type Answer =
  | { readonly number: number; readonly rows: readonly unknown[] }
  | { readonly number: number; readonly error: string };

export function answerQueries(dataSource: DataSource): void {
  process.on('message', ({ number, sql, parameters }: Query) => {
    const answer = (given: Answer) => process.send?.(given);
    dataSource.query(sql, [...parameters]).then(
      (rows) => answer({ number, rows }),
      (error) => answer({ number, error: String(error) }),
    );
  });
}
