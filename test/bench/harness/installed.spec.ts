import { describe, expect, it } from '@jest/globals';
import { isInstalled } from './installed.js';

const due = {
  packages: {
    '': { version: '0.0.0' },
    'node_modules/vega': { version: '6.4.0' },
    'node_modules/for-another-platform': { version: '1.0.0', optional: true },
  },
};

describe('isInstalled', () => {
  it.each([
    ['what the lock file says', { 'node_modules/vega': { version: '6.4.0' } }, true],
    ['another version', { 'node_modules/vega': { version: '6.3.0' } }, false],
    ['nothing', {}, false],
  ])('with %s', (_, packages, expected) => {
    expect(isInstalled(due, { packages })).toBe(expected);
  });

  it('is false where npm left nothing', () => {
    expect(isInstalled(due, null)).toBe(false);
    expect(isInstalled({ packages: { '': {} } }, null)).toBe(false);
  });
});
