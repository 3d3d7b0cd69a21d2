/**
 * Reads and judges a run that is too long to be looked at as a whole, slice by slice: each has sources and keys of its own.
 *
 * What stands in no slice is a phantom.
 */
import { anomalies, judge, type Verdict } from '../oracles/judge.js';
import type { DeadLetterSeen, Output } from '../oracles/observation.js';
import type { Written } from '../worker/ledger.js';
import { outputType } from '../worker/worker-plan.js';
import { deadLetters, inboxEntries, type ObservedRun } from './observe.js';
import { effectCountSql, sliceCountersSql, sliceEffectsSql } from './observe.sql.js';
import { recordedAttempts } from './recorded-attempts.js';

export interface Slice {
  /** Source of its events, and what its keys begin with. */
  readonly source: string;
  /** Workers that have produced it. */
  readonly workers: readonly string[];
}

export async function judgeSlices(run: ObservedRun, slices: readonly Slice[]): Promise<Verdict> {
  const outputs = await outputsBySlice(run);
  const letters = await deadLetters(run);
  const known = new Set<string>();
  const found = Object.fromEntries(anomalies.map((one) => [one, [] as string[]])) as Record<
    keyof Verdict,
    string[]
  >;
  let effects = 0;
  for (const slice of slices) {
    const seen = await observeSlice(run, slice, outputs.get(slice.source) ?? [], letters);
    for (const { message } of seen.attempts) known.add(message);
    effects += seen.first.length;
    const verdict = judge(seen);
    for (const one of anomalies) found[one].push(...verdict[one]);
    outputs.delete(slice.source);
  }
  const [{ count }] = await run.database.query(effectCountSql);
  if (count !== effects) found.P.push(`${count - effects} effects are of no slice`);
  for (const [source, some] of outputs)
    found.P.push(`${some.length} outputs are of ${source}, which is no slice`);
  const strange = letters.filter(({ message }) => !known.has(message)).length;
  if (strange > 0) found.P.push(`${strange} dead letters are of no slice`);
  found.V.push(...run.stuck);
  return found;
}

async function observeSlice(
  run: ObservedRun,
  { source, workers }: Slice,
  outputs: readonly Output[],
  letters: readonly DeadLetterSeen[],
) {
  const attempts = recordedAttempts(run.folder, workers);
  const messages = new Set(attempts.map(({ message }) => message));
  const effects = async (table: 'effect_one' | 'effect_two') =>
    (await run.database.query(sliceEffectsSql(table), [source])).map((row) => ({
      ...row,
      position: Number(row.position),
    }));
  const [first, second] = [await effects('effect_one'), await effects('effect_two')];
  const counters = await run.database.query(sliceCountersSql, [source]);
  return {
    ...{ attempts, first, second, outputs },
    deadLetters: letters.filter(({ message }) => messages.has(message)),
    counters: counters.map(({ handler, key, v }) => ({ handler, key, value: v })),
    inbox: await inboxEntries(run, attempts, first),
    stuck: [],
  };
}

/** By what their keys begin with. */
async function outputsBySlice({ broker, topics }: ObservedRun): Promise<Map<string, Output[]>> {
  const slices = new Map<string, Output[]>();
  await broker.read(topics[outputType]!, ({ value, headers }) => {
    const { handler, message, key } = JSON.parse(value!) as Written;
    const source = key?.split(':')[0] ?? '';
    const some = slices.get(source) ?? [];
    slices.set(source, some);
    some.push({ handler, message, outputId: headers['ce_id'] ?? 'missing' });
  });
  return slices;
}
