/**
 * Refuses options that nobody knows, and names the nearest that somebody does. Runs at start only.
 */
import leven from 'leven';
import { ExactlyOnceError } from '../errors/exactly-once-error.js';

/** Throws EO_OPTION_INVALID unless `given` is an object, EO_OPTION_UNKNOWN for its first key that is not in `known`. */
export function checkOptions(where: string, given: object, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const what = Array.isArray(given) ? 'a list' : String(given);
    throw new ExactlyOnceError('EO_OPTION_INVALID', `${where} is ${what}, not an object of options`);
  }
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const hint = nearest === null ? `it knows ${known.join(', ')}` : `did you mean "${nearest}"?`;
    throw new ExactlyOnceError('EO_OPTION_UNKNOWN', `${where} has an unknown option "${name}"; ${hint}`, {
      details: { where, name, nearest },
    });
  }
}

/** Throws EO_OPTION_INVALID unless `value` is a number from `least` to `most` (a whole one unless said). */
export function checkNumber(where: string, value: unknown, least: number, most: number, whole = true): void {
  if (value === undefined) return;
  const fits =
    typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value));
  if (fits) return;
  const kind = whole ? 'a whole number' : 'a number';
  throw new ExactlyOnceError(
    'EO_OPTION_INVALID',
    `${where} is ${String(value)}, not ${kind} from ${least} to ${most}`,
  );
}

/** Throws EO_OPTION_INVALID unless `value` is one of `allowed`; `undefined` passes. */
export function checkChoice(where: string, value: unknown, allowed: readonly string[]): void {
  if (value === undefined || allowed.includes(value as string)) return;
  const nearest = nearestName(String(value), allowed);
  const hint = nearest === null ? '' : `; did you mean "${nearest}"?`;
  throw new ExactlyOnceError(
    'EO_OPTION_INVALID',
    `${where} is "${String(value)}", not one of ${allowed.map((name) => `"${name}"`).join(', ')}${hint}`,
  );
}

/** Throws EO_OPTION_INVALID unless `value` is true or false; `undefined` passes. */
export function checkFlag(where: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return;
  throw new ExactlyOnceError('EO_OPTION_INVALID', `${where} is ${String(value)}, neither true nor false`);
}

/** Throws EO_OPTION_INVALID unless `value` is text with more than blanks; `undefined` passes. */
export function checkText(where: string, value: unknown): void {
  if (value === undefined || (typeof value === 'string' && value.trim() !== '')) return;
  const given = typeof value === 'string' ? JSON.stringify(value) : String(value);
  throw new ExactlyOnceError('EO_OPTION_INVALID', `${where} is ${given}, not a name`);
}

/** The one of `known` that `name` was probably meant to be; `null` where none is near. */
export function nearestName(name: string, known: readonly string[]): string | null {
  let nearest: string | null = null;
  let least = Math.max(3, Math.ceil(name.length / 2));
  for (const candidate of known) {
    const distance = leven(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}
