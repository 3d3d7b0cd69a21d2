/**
 * All that is known about one (handler, message), gathered for the oracles.
 */
import type { Attempt, Effect, Fate, Observation } from './observation.js';

export interface CaseFile {
  readonly handler: string;
  readonly message: string;
  readonly attempts: Attempt[];
  readonly first: Effect[];
  readonly second: Effect[];
  /** Distinct ids of the records on the output topic. */
  readonly outputIds: Set<string>;
  deadLetters: number;
}

/** One file for each (handler, message) that was asked for or seen. */
export function openFiles(seen: Observation): CaseFile[] {
  const files = new Map<string, CaseFile>();
  const file = (handler: string, message: string): CaseFile => {
    const slot = `${handler}\n${message}`;
    let found = files.get(slot);
    if (found === undefined) {
      found = { handler, message, attempts: [], first: [], second: [], outputIds: new Set(), deadLetters: 0 };
      files.set(slot, found);
    }
    return found;
  };
  for (const attempt of seen.attempts) {
    for (const handler of Object.keys(attempt.fates)) file(handler, attempt.message).attempts.push(attempt);
  }
  for (const effect of seen.first) file(effect.handler, effect.message).first.push(effect);
  for (const effect of seen.second) file(effect.handler, effect.message).second.push(effect);
  for (const output of seen.outputs) file(output.handler, output.message).outputIds.add(output.outputId);
  for (const letter of seen.deadLetters) file(letter.handler, letter.message).deadLetters++;
  return [...files.values()];
}

/** The fate that is asked for; `undefined` where nobody produced such a message for this handler. */
export function fateOf(file: CaseFile): Fate | undefined {
  return file.attempts[0]?.fates[file.handler];
}

/** True where at least one attempt to produce it is known to have succeeded. */
export function wasProduced(file: CaseFile): boolean {
  return file.attempts.some(({ outcome }) => outcome === 'ok');
}

/** True where it may stand on the topic. */
export function mayExist(file: CaseFile): boolean {
  return file.attempts.some(({ outcome }) => outcome !== 'fail');
}

/** For people. */
export function label(file: CaseFile): string {
  const [attempt] = file.attempts;
  const effect = file.first[0] ?? file.second[0];
  const known = attempt ?? effect;
  const id =
    known?.id == null ? 'no id' : JSON.stringify(Buffer.from(known.id, 'hex').toString().slice(0, 60));
  return `${file.handler}: ${known?.source ?? '?'} ${id} (key ${known?.key ?? '-'}, message ${file.message.slice(0, 8)})`;
}
