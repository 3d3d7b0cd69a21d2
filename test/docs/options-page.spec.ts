import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { optionsOf, optionsPage, optionsPagePath, uncommented } from './options-page.js';

describe('the page of options', () => {
  it('is what the doc comments say (npm run docs:options)', () => {
    expect(readFileSync(optionsPagePath, 'utf8')).toBe(optionsPage());
  });

  it('has a meaning for each option', () => {
    expect(uncommented()).toEqual([]);
  });

  it('has name, type and comment of each option of an interface', () => {
    const text =
      'interface Wait {\n  /** Milliseconds. Default 5. */\n  readonly pauseMs?: number;\n  name: string;\n}';

    expect(optionsOf(text, 'Wait')).toEqual([
      { name: 'pauseMs', type: 'number', required: false, comment: 'Milliseconds. Default 5.' },
      { name: 'name', type: 'string', required: true, comment: '' },
    ]);
  });
});
