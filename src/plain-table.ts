/**
 * Text for a terminal: columns under each other, one row a line.
 *
 * What strangers chose (keys, ids, reasons) can neither break a row nor speak to the terminal: control characters are
 * written out.
 */

const gap = '  ';

/** The last column is not padded. */
export function table(heads: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = [heads, ...rows.map((row) => row.map((cell) => visible(String(cell))))];
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column]!)).join(gap);
  return cells.map((row) => line(row).trimEnd()).join('\n');
}

/** Controls of ASCII and Latin-1, line and paragraph separators, and marks of direction, as `\\u001b`. */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/gu,
    (one) => `\\u${one.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  );
}
