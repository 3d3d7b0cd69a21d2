import { describe, expect, it } from '@jest/globals';
import { checkChoice, checkNumber, checkOptions } from './options-check.js';

describe('options', () => {
  it('names the nearest known option', () => {
    expect(() => checkOptions('relay', { leasMs: 1 }, ['batchSize', 'leaseMs'])).toThrow(
      /did you mean "leaseMs"\?/,
    );
  });

  it('lists what is known where nothing is near', () => {
    expect(() => checkOptions('relay', { colour: 1 }, ['batchSize', 'leaseMs'])).toThrow(
      /it knows batchSize, leaseMs/,
    );
  });

  it.each([0, 11, 1.5, Number.NaN, '5', null])(
    'refuses %p where a whole number from 1 to 10 is due',
    (value) => {
      expect(() => checkNumber('n', value, 1, 10)).toThrow(
        expect.objectContaining({ code: 'EO_OPTION_INVALID' }),
      );
    },
  );

  it('names the nearest choice', () => {
    expect(() => checkChoice('unhandled', 'deadletter', ['skip', 'dead-letter', 'stop'])).toThrow(
      /did you mean "dead-letter"\?/,
    );
  });
});
