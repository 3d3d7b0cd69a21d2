/**
 * The page of errors, `docs/errors.md`, made of the table in core. The spec fails where page and table differ,
 * so neither an error without its documentation nor one that is gone can be released.
 */
import { type ErrorCode, errorTable } from '@exactly-once/core';

type ErrorTable = Readonly<Record<string, (typeof errorTable)[ErrorCode]>>;

export const errorsPagePath = 'docs/errors.md';

const outcomes = {
  retry: 'tried again, not counted',
  count: 'tried again, then dead-lettered',
  'dead-letter': 'dead-lettered at once',
  park: 'parked: it waits in the database, later events of its key behind it',
  stop: 'the consumer stops before it',
  none: 'no event is involved',
} as const;

export function errorsPage(table: ErrorTable = errorTable): string {
  const rows = Object.entries(table).map(([code, { outcome, meaning, remedy }]) =>
    row(`\`${code}\``, meaning, outcomes[outcome], remedy),
  );
  return [
    '# Errors',
    '',
    'Made by `npm run docs:errors` from the table in `libs/core/src/errors/error-table.ts`.',
    '',
    row('Code', 'What it means', 'What becomes of the event', 'What to do'),
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** Lines of the page that the table does not give, and lines that it gives and the page lacks. */
export function pageDifferences(page: string, table: ErrorTable = errorTable): string[] {
  const written = page.split('\n');
  const due = errorsPage(table).split('\n');
  return [
    ...due.filter((line) => !written.includes(line)).map((line) => `missing: ${line}`),
    ...written.filter((line) => !due.includes(line)).map((line) => `not of the table: ${line}`),
  ];
}

function row(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
