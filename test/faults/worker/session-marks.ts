/**
 * What a handler leaves in its session, and what it finds there of its neighbours.
 */
import type { DataSource } from 'typeorm';
import type { Mark } from '../record/message.js';
import { lookSql, marksSql } from './session-marks.sql.js';

export async function leave(dataSource: DataSource, mark: Mark): Promise<void> {
  await dataSource.query(marksSql[mark]);
}

/** In words. */
export async function look(dataSource: DataSource): Promise<string> {
  const [row] = await dataSource.query(lookSql);
  const found = Object.keys(row).filter((what) => row[what]);
  return found.length === 0 ? 'nothing' : found.join(' and ');
}
