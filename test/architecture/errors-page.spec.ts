import { describe, expect, it } from '@jest/globals';
import { errorsPage, pageDifferences } from './errors-page.js';

const table = {
  EO_ONE: { outcome: 'retry', meaning: 'one | or another', remedy: 'wait' },
  EO_TWO: { outcome: 'stop', meaning: 'two', remedy: 'look' },
} as const;

describe('the page of errors', () => {
  it('has a line for each error, cells intact', () => {
    const page = errorsPage(table);

    expect(page).toContain('| `EO_ONE` | one \\| or another | tried again, not counted | wait |\n');
    expect(pageDifferences(page, table)).toEqual([]);
  });

  it('is wrong without an error of the table', () => {
    const page = errorsPage({ EO_TWO: table.EO_TWO });

    expect(pageDifferences(page, table)).toEqual([expect.stringMatching(/^missing: .*EO_ONE/)]);
  });

  it('is wrong with an error that the table does not have', () => {
    const page = errorsPage(table);

    expect(pageDifferences(page, { EO_TWO: table.EO_TWO })).toEqual([
      expect.stringMatching(/^not of the table: .*EO_ONE/),
    ]);
  });

  it('is wrong where a remedy has changed', () => {
    const changed = { ...table, EO_TWO: { ...table.EO_TWO, remedy: 'look twice' } };

    expect(pageDifferences(errorsPage(table), changed)).toHaveLength(2);
  });
});
