import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { commandAgain, exitCodeOf, parseShowOptions } from './command-line.js';

describe('the command line of npm start', () => {
  let said = '';

  beforeEach(() => {
    said = '';
    const hear = (text: unknown) => {
      said += String(text);
      return true;
    };
    jest.spyOn(process.stderr, 'write').mockImplementation(hear);
    jest.spyOn(process.stdout, 'write').mockImplementation(hear);
  });
  afterEach(() => void jest.restoreAllMocks());

  const failure = (...words: string[]): unknown => {
    try {
      parseShowOptions(words);
    } catch (error) {
      return error;
    }
    throw new Error('it was taken');
  };

  it('is a thousand orders, two copies each and three kills where nothing is said', () => {
    expect(parseShowOptions([])).toMatchObject({
      orders: 1_000,
      copies: 2,
      kills: 3,
      unsafe: false,
      once: false,
      seed: expect.any(Number),
    });
  });

  it('takes every option', () => {
    const words = '--orders 20 --duplicates 0.5 --kills 0 --seed 7 --unsafe --once'.split(' ');

    expect(parseShowOptions(words)).toEqual({
      orders: 20,
      copies: 0.5,
      kills: 0,
      seed: 7,
      unsafe: true,
      once: true,
    });
  });

  it.each([
    [['--orders', '0'], /1 to 100000/],
    [['--orders', '1e3'], /whole number/],
    [['--duplicates', '-1'], /0 to 20/],
    [['--kills', '51'], /0 to 50/],
    [['--seed', 'x'], /whole number/],
    [['--order', '5'], /unknown option.*Did you mean --orders/s],
    [['--orders', '2'], /3 kills need as many orders, not 2/],
    [['now'], /too many arguments/],
  ])('refuses %j and says what is due', (words, message) => {
    const error = failure(...words);

    expect(said).toMatch(message);
    expect(exitCodeOf(error)).toBe(2);
  });

  it('tells the words that make a run again', () => {
    const again = (words: string) => commandAgain(parseShowOptions(words.split(' ')));

    expect(again('--seed 7')).toBe('npm start -- --seed 7');
    expect(again('--seed 7 --orders 20 --duplicates 0.5 --kills 0 --unsafe --once')).toBe(
      'npm start -- --seed 7 --orders 20 --duplicates 0.5 --kills 0 --unsafe',
    );
  });

  it('ends well where help is asked for, and names the exit codes', () => {
    expect(exitCodeOf(failure('--help'))).toBe(0);
    expect(said).toMatch(/Exit codes/);
  });

  it('has nothing to say of an error that is not its own', () => {
    expect(exitCodeOf(new Error('other'))).toBeNull();
  });
});
