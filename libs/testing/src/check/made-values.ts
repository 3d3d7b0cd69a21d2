/**
 * Values that the database made in a run, in a form in which they are found again in what was published: a key as a number
 * or as text, a time however it is written.
 */
const time = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/;

/** Times are the same to the millisecond. */
export function valueText(value: unknown): string {
  if (typeof value !== 'string' || !time.test(value)) return String(value);
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? value : new Date(ms).toISOString();
}
