/**
 * What two runs without any fault say: where they differ, the handler's result hangs on chance or on the clock.
 *
 * In a row that is no mistake, because only one attempt commits; in an event it is, because a copy of it would be another
 * one under the same id.
 */
import { type Difference, differences, type Grouped, type Ignored } from './difference.js';
import { type Finding, finding } from './finding.js';
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

export function compareClean(one: TrialResult, other: TrialResult): Varying {
  const rows = differences(one.rows, other.rows);
  const published = differences(one.published, other.published);
  return {
    rows: fieldsOf(rows),
    published: fieldsOf(published),
    findings: published.flatMap(eventFindings),
    notes: rows.map(({ of, changed }) => {
      const names = [...new Set(changed.map(({ field }) => `"${field}"`))].join(', ');
      return `"${of}": ${names || 'the number of rows'} differs from run to run, and was not compared`;
    }),
  };
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

function fieldsOf(all: readonly Difference[]): Ignored {
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
