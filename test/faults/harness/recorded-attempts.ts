/** The write-ahead records of all producers and publishers of a run, put together. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Attempt } from '../oracles/observation.js';
import { ProduceRecord } from '../record/produce-record.js';

/** `workers`: only theirs. */
export function recordedAttempts(folder: string, workers?: readonly string[]): Attempt[] {
  const wanted = workers?.map((name) => `record-${name}.jsonl`);
  return readdirSync(folder)
    .filter((name) => wanted?.includes(name) ?? name.startsWith('record-'))
    .flatMap((name) => new ProduceRecord(join(folder, name)).attempts());
}
