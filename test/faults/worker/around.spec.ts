import { describe, expect, it } from '@jest/globals';
import { around, withParts } from './around.js';

class Account {
  #balance = 0;
  label = 'mine';

  async add(amount: number): Promise<number> {
    this.#balance += amount;
    return this.#balance;
  }

  balance(): number {
    return this.#balance;
  }
}

describe('around', () => {
  it('surrounds a method of an object that keeps its state private', async () => {
    const account = new Account();
    const seen: string[] = [];
    const surrounded = around(account, {
      add: (add) => async (amount) => {
        seen.push('before');
        const result = await add(amount * 2);
        seen.push('after');
        return result;
      },
    });

    const result = await surrounded.add(5);

    expect(result).toBe(10);
    expect(surrounded.balance()).toBe(10);
    expect(seen).toEqual(['before', 'after']);
  });

  it('leaves the object itself as it was', async () => {
    const account = new Account();
    around(account, { add: () => () => Promise.resolve(-1) });

    expect(await account.add(1)).toBe(1);
  });

  it('writes through to the object', () => {
    const account = new Account();
    const surrounded = around(account, {});

    surrounded.label = 'yours';

    expect(account.label).toBe('yours');
  });
});

describe('withParts', () => {
  it('replaces a property and passes the others on, bound', async () => {
    const account = new Account();
    const changed = withParts(account, { label: 'another' });

    expect(changed.label).toBe('another');
    expect(await changed.add(3)).toBe(3);
  });
});
