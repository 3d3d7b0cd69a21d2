/**
 * What two runs without any fault say: where they differ, the handler's result hangs on chance or on the clock.
 *
 * In a row that is no mistake, because only one attempt commits; in an event it is, because a copy of it would be another
 * one under the same id. Where the event only tells what its transaction's rows say, both commit together, and it is none.
 */
import { type Difference, differences, type Grouped, type Ignored, ignoringBoth } from './difference.js';
import { type Finding, finding } from './finding.js';
import { valueText } from './made-values.js';
import type { TrialResult } from './trial.js';

export interface Varying {
  readonly rows: Ignored;
  readonly published: Ignored;
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
}

/** Milliseconds around now in which a number is taken for a time. */
const aboutNowMs = 3_600_000;
const isoTime = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/;
const when = 'two runs without any fault publish something else';

/** `ignored`: of tables and of types, not to be looked at. */
export function compareClean(one: TrialResult, other: TrialResult, ignored: Ignored): Varying {
  const rows = differences(one.rows, other.rows, ignored);
  const all = differences(one.published, other.published, ignored);
  const isMade = ({ from, to }: Change) =>
    one.madeValues.has(valueText(from)) && other.madeValues.has(valueText(to));
  const made = all.map(({ of, changed }) => ({ of, changed: changed.filter(isMade) }));
  const published = all.map((found) => ({
    ...found,
    changed: found.changed.filter((change) => !isMade(change)),
  }));
  return {
    rows: ignoringBoth(fieldsOf(rows), ignored),
    published: ignoringBoth(fieldsOf(all), ignored),
    findings: published.flatMap(eventFindings),
    notes: [
      ...rows.map(({ of, changed }) => {
        const names = namesOf(changed) || 'the number of rows';
        return `"${of}": ${names} differs from run to run, and was not compared`;
      }),
      ...made
        .filter(({ changed }) => changed.length > 0)
        .map(
          ({ of, changed }) =>
            `"${of}": ${namesOf(changed)} is a value that the database makes for a row, and was not compared`,
        ),
    ],
  };
}

type Change = Difference['changed'][number];

function namesOf(changed: readonly Change[]): string {
  return [...new Set(changed.map(({ field }) => `"${field}"`))].join(', ');
}

function eventFindings({ of, changed, missing, extra }: Difference): Finding[] {
  const found = new Map<string, Finding>();
  for (const { field, from, to } of changed) {
    const byClock = isTime(from) && isTime(to);
    const kind = byClock ? 'event-clock' : 'event-random';
    const name = field.startsWith('data.') ? `\`${field.slice('data.'.length)}\`` : field;
    const value = byClock ? 'from the clock' : 'that is another one each time (random?)';
    found.set(
      field,
      finding(
        kind,
        `"${of}" is published with ${field.startsWith('data.') ? 'a' : 'an'} ${name} ${value}: ${show(from)}, then ${show(to)}`,
        when,
      ),
    );
  }
  if (missing.length !== extra.length) {
    const what = `"${of}" is published a different number of times without any fault`;
    found.set('', finding('event-random', what, when));
  }
  return [...found.values()];
}

function isTime(value: unknown): boolean {
  if (typeof value === 'number') {
    return [value, value * 1_000].some((ms) => Math.abs(ms - Date.now()) < aboutNowMs);
  }
  return typeof value === 'string' && isoTime.test(value);
}

function fieldsOf(all: readonly Pick<Difference, 'of' | 'changed'>[]): Ignored {
  return new Map(all.map(({ of, changed }) => [of, new Set(changed.map(({ field }) => field))]));
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Sentences about each difference from the clean run. */
export function describeDifferences(
  expected: Grouped,
  found: Grouped,
  ignored: Ignored,
  noun: 'row' | 'event',
): string[] {
  return differences(expected, found, ignored).flatMap(({ of, missing, extra, changed }) => {
    const count = (one: Grouped) => one.get(of)?.length ?? 0;
    const lines = changed.map(
      ({ field, from, to }) => `"${of}": ${field} is ${show(to)} instead of ${show(from)}`,
    );
    if (missing.length + extra.length > 0) {
      const many = count(expected) === 1 ? noun : `${noun}s`;
      lines.push(`"${of}": ${count(found)} instead of ${count(expected)} ${many}`);
    }
    return lines;
  });
}
