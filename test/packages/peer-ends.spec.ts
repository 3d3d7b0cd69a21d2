import { describe, expect, it } from '@jest/globals';
import { peersAt } from './peer-ends.js';

const manifest = (name: string, range: string) => ({
  name,
  version: '1.0.0',
  peerDependencies: { '@nestjs/core': range, kafkajs: '^2.2.4', '@exactly-once/core': '1.0.0' },
});

describe('peersAt', () => {
  const nest = manifest('a', '^11.1.6 || ^12.0.0');

  it.each([
    ['lowest', ['@nestjs/core@11.1.6', 'kafkajs@2.2.4', '@nestjs/platform-express@11.1.6']],
    ['first majors', ['@nestjs/core@^11.1.6', 'kafkajs@^2.2.4', '@nestjs/platform-express@^11.1.6']],
    [
      'newest',
      ['@nestjs/core@^11.1.6 || ^12.0.0', 'kafkajs@^2.2.4', '@nestjs/platform-express@^11.1.6 || ^12.0.0'],
    ],
  ] as const)('%s: what npm is asked for', (end, expected) => {
    expect(peersAt(end, [nest])).toEqual(expected);
  });

  it('refuses libs that disagree', () => {
    expect(() => peersAt('lowest', [nest, manifest('b', '^12.0.0')])).toThrow(
      'b has @nestjs/core ^12.0.0, another lib has ^11.1.6 || ^12.0.0',
    );
  });
});
