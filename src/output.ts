/**
 * How the tool prints: times by ISO 8601, positions as text because they pass what a number of JSON holds, bytes as
 * text where they are. Says nothing about what is printed.
 */
import { isUtf8 } from 'node:buffer';

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Text where the bytes are UTF-8, else `base64:…`; `null` where there are none. */
export function textOf(bytes: Uint8Array | null): string | null {
  if (bytes === null) return null;
  const buffer = Buffer.from(bytes);
  return isUtf8(buffer) ? buffer.toString() : `base64:${buffer.toString('base64')}`;
}

/** A number of things: `1 event`, `2 events`. */
export function counted(count: number, thing: string): string {
  return `${count} ${count === 1 ? thing : `${thing}s`}`;
}

/** For a program: a time named `…AtMs`, `…UntilMs` or `sinceMs` loses its `Ms`. */
export function jsonText(value: unknown): string {
  return JSON.stringify(jsonOf(value));
}

function jsonOf(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return textOf(value);
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value !== 'object' || value === null) return value;
  const named = Object.entries(value).map(([name, one]): [string, unknown] => {
    if (!/(At|Until|since)Ms$/.test(name)) return [name, jsonOf(one)];
    return [name.slice(0, -2), one === null ? null : isoTime(one as number)];
  });
  return Object.fromEntries(named);
}
