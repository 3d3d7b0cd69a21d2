/**
 * Compares what a run left behind with what was asked for, per (handler, source, id). Pure: the same observation
 * gives the same verdict.
 *
 * L lost, D duplicate, T torn, P phantom, R reordered, V liveness, X both effect and dead letter.
 */
import { type CaseFile, fateOf, label, mayExist, openFiles, wasProduced } from './case-file.js';
import type { Effect, Observation } from './observation.js';

export const anomalies = ['L', 'D', 'T', 'P', 'R', 'V', 'X'] as const;
export type Anomaly = (typeof anomalies)[number];

/** What was found, in words, by anomaly. */
export type Verdict = Readonly<Record<Anomaly, readonly string[]>>;

export function judge(seen: Observation): Verdict {
  const files = openFiles(seen);
  return {
    L: files.flatMap(lost),
    D: [...files.flatMap(doubled), ...reusedIds(seen.first)],
    T: [...files.flatMap(torn), ...tornCounters(seen), ...tornInbox(files, seen)],
    P: files.flatMap(phantom),
    R: reordered(seen.first),
    V: seen.stuck,
    X: files.filter((file) => isHandled(file) && file.deadLetters > 0).map(label),
  };
}

export function isClean(verdict: Verdict): boolean {
  return anomalies.every((anomaly) => verdict[anomaly].length === 0);
}

function isHandled({ first, second, outputIds }: CaseFile): boolean {
  return first.length > 0 || second.length > 0 || outputIds.size > 0;
}

/** Produced, and neither handled nor given up; or given up although nothing was wrong with it. */
function lost(file: CaseFile): string[] {
  const fate = fateOf(file);
  if (fate === undefined || fate === 'nothing' || isHandled(file)) return [];
  if (file.deadLetters === 0) return wasProduced(file) ? [`${label(file)} left no trace`] : [];
  return fate === 'effect' ? [`${label(file)} was dead-lettered, but is to be handled`] : [];
}

function doubled(file: CaseFile): string[] {
  const counts = { effects: file.first.length, 'second effects': file.second.length };
  const all = { ...counts, 'output events': file.outputIds.size, 'dead letters': file.deadLetters };
  return Object.entries(all)
    .filter(([, count]) => count > 1)
    .map(([what, count]) => `${label(file)} has ${count} ${what}`);
}

/** Two messages with one identity, and both were handled. */
function reusedIds(effects: readonly Effect[]): string[] {
  const messages = groupBy(effects, ({ handler, source, id }) => JSON.stringify([handler, source, id]));
  return [...messages]
    .filter(([, group]) => new Set(group.map(({ message }) => message)).size > 1)
    .map(([identity]) => `${identity} was handled with different bodies`);
}

/** The tables and the output topic disagree. */
function torn(file: CaseFile): string[] {
  if (!isHandled(file)) return [];
  const parts = [file.first.length > 0, file.second.length > 0, file.outputIds.size > 0];
  const counts = `${file.first.length} first, ${file.second.length} second, ${file.outputIds.size} output`;
  const whole = parts.every(Boolean) && file.first.length === file.second.length;
  return whole ? [] : [`${label(file)} has ${counts}`];
}

function tornCounters({ first, counters }: Observation): string[] {
  const effects = groupBy(first, ({ handler, key }) => JSON.stringify([handler, key ?? '']));
  const counted = new Map(counters.map(({ handler, key, value }) => [JSON.stringify([handler, key]), value]));
  return [...new Set([...effects.keys(), ...counted.keys()])].flatMap((slot) => {
    const [rows, value] = [effects.get(slot)?.length ?? 0, counted.get(slot) ?? 0];
    return rows === value ? [] : [`counter ${slot} is ${value} after ${rows} effects`];
  });
}

/** Recorded as processed without a trace of it, or the reverse. */
function tornInbox(files: readonly CaseFile[], seen: Observation): string[] {
  const slot = (handler: string, source: string, id: string) => JSON.stringify([handler, source, id]);
  const recorded = new Set(seen.inbox.map(({ handler, source, id }) => slot(handler, source, id)));
  const traces = new Map<string, boolean>();
  for (const file of files) {
    const known = file.attempts[0] ?? file.first[0];
    if (known === undefined || known.id === null) continue;
    const identity = slot(file.handler, known.source, known.id);
    traces.set(identity, (traces.get(identity) ?? false) || isHandled(file) || file.deadLetters > 0);
  }
  return [...traces].flatMap(([identity, trace]) => {
    if (trace === recorded.has(identity)) return [];
    return [
      `${identity} ${trace ? 'has effects but no inbox record' : 'has an inbox record but no effects'}`,
    ];
  });
}

/** A trace of something that nobody produced, that was rolled back, or that was to be refused. */
function phantom(file: CaseFile): string[] {
  const found = [];
  const trace = isHandled(file) || file.deadLetters > 0;
  const fate = fateOf(file);
  if (trace && (fate === undefined || !mayExist(file))) found.push(`${label(file)} was never produced`);
  if (trace && fate === 'nothing') found.push(`${label(file)} was rolled back, but left a trace`);
  if (isHandled(file) && fate === 'dead-letter')
    found.push(`${label(file)} was handled, but is to be refused`);
  const [attempt] = file.attempts;
  for (const effect of attempt === undefined ? [] : [...file.first, ...file.second]) {
    if (effect.id === attempt!.id && effect.source === attempt!.source && effect.key === attempt!.key)
      continue;
    found.push(`${label(file)} was handled as ${effect.source} ${effect.id}, key ${effect.key}`);
  }
  return found;
}

/** Per (handler, source, key), the first effects of events are to stand in sequence. */
function reordered(effects: readonly Effect[]): string[] {
  const found = [];
  const byKey = groupBy(
    effects.filter(({ key }) => key !== null),
    ({ handler, source, key }) => JSON.stringify([handler, source, key]),
  );
  for (const [slot, group] of byKey) {
    const seen = new Set<string>();
    let highest = -1;
    for (const effect of group.toSorted((one, other) => one.position - other.position)) {
      if (seen.has(effect.message)) continue;
      seen.add(effect.message);
      if (effect.sequence < highest) found.push(`${slot}: ${effect.sequence} after ${highest}`);
      highest = Math.max(highest, effect.sequence);
    }
  }
  return found;
}

function groupBy<T>(items: readonly T[], slotOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const slot = slotOf(item);
    const group = groups.get(slot);
    if (group === undefined) groups.set(slot, [item]);
    else group.push(item);
  }
  return groups;
}
