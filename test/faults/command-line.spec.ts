import { describe, expect, it } from '@jest/globals';
import { parseRequest } from './command-line.js';

describe('parseRequest', () => {
  it('takes one case with seed 1 where none is said', () => {
    const request = parseRequest(['--case', '5']);

    expect(request).toMatchObject({ cases: [5], seeds: [1], json: null, planted: [], patienceMs: 60_000 });
  });

  it('takes several cases, a range of seeds and a planted bug', () => {
    const argv = ['--case', '5,17', '--seeds', '3..5', '--plant', 'no-fence', '--json', 'x.json'];

    const request = parseRequest(argv);

    expect(request).toMatchObject({
      cases: [5, 17],
      seeds: [3, 4, 5],
      planted: ['no-fence'],
      json: 'x.json',
    });
  });

  it('takes three seeds of all where none is said: the forms that a seed chooses are three', () => {
    expect(parseRequest(['--all']).seeds).toEqual([1, 2, 3]);
    expect(parseRequest(['--all', '--seed', '7']).seeds).toEqual([7]);
    expect(parseRequest(['--all', '--seeds', '4..5']).seeds).toEqual([4, 5]);
  });

  it('runs one case at a time, two of the quick ones, or as many as are said', () => {
    expect(parseRequest(['--all']).jobs).toBe(1);
    expect(parseRequest(['--quick']).jobs).toBe(2);
    expect(parseRequest(['--quick', '--jobs', '4']).jobs).toBe(4);
  });

  it('takes the broker that the events go through', () => {
    expect(parseRequest(['--case', '5'])).toMatchObject({ broker: null });
    expect(parseRequest(['--case', '5', '--broker', 'database'])).toMatchObject({ broker: 'database' });
  });

  it('takes all cases, quickly', () => {
    expect(parseRequest(['--quick'])).toMatchObject({ cases: null, seeds: [1], quick: true, broker: null });
    expect(parseRequest(['--case', 'all', '--seed', '9'])).toMatchObject({ cases: null, seeds: [9] });
  });
});
