import { describe, expect, it } from '@jest/globals';
import { AmbientValue } from './ambient-value.js';

describe('AmbientValue', () => {
  it('is found behind awaits, and nowhere else', async () => {
    const value = new AmbientValue<string>();

    const seen = await value.run('one', async () => {
      await Promise.resolve();
      return value.current();
    });

    expect([seen, value.current()]).toEqual(['one', undefined]);
  });

  it('is not hidden by another that is bound inside of it', () => {
    const [outer, inner] = [new AmbientValue<string>(), new AmbientValue<string>()];

    const seen = outer.run('outer', () => inner.run('inner', () => [outer.current(), inner.current()]));

    expect(seen).toEqual(['outer', 'inner']);
  });

  it('gives what was bound last, also where that is undefined', () => {
    const value = new AmbientValue<string | undefined>();

    const seen = value.run('first', () => value.run(undefined, () => value.current()));

    expect(seen).toBeUndefined();
  });

  it('keeps another visible where it is bound again inside of it', () => {
    const [one, other] = [new AmbientValue<number>(), new AmbientValue<number>()];

    const seen = one.run(1, () => other.run(2, () => one.run(3, () => [one.current(), other.current()])));

    expect(seen).toEqual([3, 2]);
  });
});
