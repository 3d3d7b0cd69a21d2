/**
 * How two runs of the same events differ: rows and published events that are missing, too many, or not the same.
 *
 * Pure. Order counts for nothing: rows have none, and events of several keys neither.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** Of one table, or one type of events. */
export interface Difference {
  readonly of: string;
  readonly missing: readonly Fields[];
  readonly extra: readonly Fields[];
  /** Names of fields that have another value, with both. */
  readonly changed: readonly { readonly field: string; readonly from: unknown; readonly to: unknown }[];
}

export type Grouped = ReadonlyMap<string, readonly Fields[]>;
/** By table or type: fields that no comparison looks at, with all that is inside of them. */
export type Ignored = ReadonlyMap<string, ReadonlySet<string>>;

/** From `expected` to `found`. */
export function differences(expected: Grouped, found: Grouped, ignored: Ignored = new Map()): Difference[] {
  const names = [...new Set([...expected.keys(), ...found.keys()])];
  return names
    .map((of) => difference(of, expected.get(of) ?? [], found.get(of) ?? [], ignored.get(of) ?? new Set()))
    .filter(({ missing, extra, changed }) => missing.length + extra.length + changed.length > 0);
}

function difference(
  of: string,
  expected: readonly Fields[],
  found: readonly Fields[],
  ignored: ReadonlySet<string>,
): Difference {
  const [missing, extra] = [without(expected, found, ignored), without(found, expected, ignored)];
  const changed: { field: string; from: unknown; to: unknown }[] = [];
  for (const one of [...missing]) {
    const other = nearest(one, extra, ignored);
    if (other === null) continue;
    missing.splice(missing.indexOf(one), 1);
    extra.splice(extra.indexOf(other), 1);
    for (const field of differing(one, other, ignored))
      changed.push({ field, from: one[field], to: other[field] });
  }
  return { of, missing, extra, changed };
}

/** Those of `all` that have no equal in `others`, each of which counts once. */
function without(all: readonly Fields[], others: readonly Fields[], ignored: ReadonlySet<string>): Fields[] {
  const left = others.map((one) => textOf(one, ignored));
  return all.filter((one) => {
    const at = left.indexOf(textOf(one, ignored));
    if (at === -1) return true;
    left.splice(at, 1);
    return false;
  });
}

function textOf(fields: Fields, ignored: ReadonlySet<string>): string {
  const entries = Object.entries(fields).filter(([name]) => !hides(ignored, name));
  return JSON.stringify(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The one with the fewest other fields; `null` where there is none. */
function nearest(one: Fields, others: readonly Fields[], ignored: ReadonlySet<string>): Fields | null {
  const distance = (other: Fields) => differing(one, other, ignored).length;
  return [...others].sort((a, b) => distance(a) - distance(b))[0] ?? null;
}

function differing(one: Fields, other: Fields, ignored: ReadonlySet<string>): string[] {
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(
    (name) => !hides(ignored, name),
  );
  return names.filter((name) => JSON.stringify(one[name]) !== JSON.stringify(other[name]));
}

function hides(ignored: ReadonlySet<string>, name: string): boolean {
  if (ignored.size === 0) return false;
  const path = name.split('.');
  return path.some((_, index) => ignored.has(path.slice(0, index + 1).join('.')));
}

/** Both. */
export function ignoringBoth(one: Ignored, other: Ignored): Ignored {
  const names = [...new Set([...one.keys(), ...other.keys()])];
  return new Map(names.map((of) => [of, new Set([...(one.get(of) ?? []), ...(other.get(of) ?? [])])]));
}

/** Nested fields by their path, so that each has a name. */
export function flat(value: unknown, path = ''): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return { [path]: value };
  const entries = Object.entries(value);
  if (entries.length === 0) return { [path]: Array.isArray(value) ? '[]' : '{}' };
  return Object.assign(
    {},
    ...entries.map(([name, one]) => flat(one, path === '' ? name : `${path}.${name}`)),
  );
}
