import { describe, expect, it } from '@jest/globals';
import { GroupSize } from './group-size.js';

describe('GroupSize', () => {
  it('grows while groups end early, up to the most', () => {
    const size = new GroupSize(100, 50);

    for (let round = 0; round < 10; round++)
      size.committed({ size: size.current, done: size.current, handledMs: 5 });

    expect(size.current).toBe(100);
  });

  it('shrinks at once to what fitted', () => {
    const size = new GroupSize(100, 50);

    size.committed({ size: 64, done: 3, handledMs: 60 });

    expect(size.current).toBe(3);
  });

  it('halves at once where a group collided, down to one', () => {
    const size = new GroupSize(100, 50);

    size.collided(64);
    expect(size.current).toBe(32);
    for (let round = 0; round < 5; round++) size.collided(size.current);

    expect(size.current).toBe(1);
  });

  it('grows slowly once it has collided', () => {
    const size = new GroupSize(100, 50);

    size.collided(64);
    size.committed({ size: 32, done: 32, handledMs: 5 });

    expect(size.current).toBe(36);
  });

  it('does not grow on a group that was small because little had come', () => {
    const size = new GroupSize(100, 50);

    size.committed({ size: 1, done: 1, handledMs: 1 });

    expect(size.current).toBe(64);
  });
});
