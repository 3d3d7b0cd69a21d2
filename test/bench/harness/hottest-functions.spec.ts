import { describe, expect, it } from '@jest/globals';
import { hottestFunctions } from './hottest-functions.js';

const node = (id: number, functionName: string, url = '', lineNumber = 0) => ({
  id,
  callFrame: { functionName, scriptId: '0', url, lineNumber, columnNumber: 0 },
});

describe('hottestFunctions', () => {
  it('adds up the time of a function itself, wherever it was called, without idle time', () => {
    const profile = {
      nodes: [
        node(1, '(idle)'),
        node(2, 'parse', `file://${process.cwd()}/node_modules/pg/lib/parser.js`, 9),
        node(3, 'parse', `file://${process.cwd()}/node_modules/pg/lib/parser.js`, 9),
        node(4, '', 'node:net', 4),
      ],
      samples: [1, 2, 3, 4],
      timeDeltas: [500, 20, 40, 40],
      startTime: 0,
      endTime: 600,
    };

    expect(hottestFunctions(profile, 2)).toEqual([
      { name: 'parse', place: 'pg/lib/parser.js:10', percent: 60 },
      { name: '(anonymous)', place: 'node:net:5', percent: 40 },
    ]);
  });
});
