/** The page of errors, made of the table in core: the spec fails where the two differ. */
import { errorTable } from '@exactly-once/core';

const outcomes: Readonly<Record<string, string>> = {
  retry: 'tried again, not counted',
  count: 'tried again, then dead-lettered',
  'dead-letter': 'dead-lettered at once',
  stop: 'the consumer stops before it',
  none: 'no event is involved',
};

export function errorsPage(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { outcome, meaning, remedy }]) =>
      `| \`${code}\` | ${meaning} | ${outcomes[outcome]} | ${remedy} |`,
  );
  return [
    '# Errors',
    '',
    'Made by `npm run docs:errors` from the table in `libs/core/src/errors/error-table.ts`.',
    '',
    '| Code | What it means | What becomes of the event | What to do |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
