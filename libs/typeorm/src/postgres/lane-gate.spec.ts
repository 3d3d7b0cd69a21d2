import { describe, expect, it } from '@jest/globals';
import { LaneGate } from './lane-gate.js';

const [one, two, three] = [{}, {}, {}];

function world() {
  const gate = new LaneGate();
  const done: string[] = [];
  const send = (scope: object, what: string) => gate.pass(scope, async () => void done.push(what));
  const enter = async (scope: object, what: string) => {
    await gate.enter(scope);
    done.push(what);
  };
  return { gate, done, send, enter };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('LaneGate', () => {
  it('sends at once while nobody is inside a nested transaction', () => {
    const { done, send } = world();

    void send(one, 'one');
    void send(two, 'two');

    expect(done).toEqual(['one', 'two']);
  });

  it('holds up the statements of others until the nested transaction has ended, however deep it was', async () => {
    const { gate, done, send } = world();
    await gate.enter(one);
    await gate.enter(one);

    void send(two, 'two');
    void send(one, 'one');
    gate.leave(one);
    const before = [...done];
    gate.leave(one);

    expect(before).toEqual(['one']);
    expect(done).toEqual(['one', 'two']);
  });

  it('sends what waited before the next one can set its savepoint', async () => {
    const { gate, done, send, enter } = world();
    await gate.enter(one);

    void send(two, 'before');
    void enter(three, 'entered');
    void send(two, 'behind');
    gate.leave(one);
    await settle();

    expect(done).toEqual(['before', 'entered']);
    gate.leave(three);
    expect(done).toEqual(['before', 'entered', 'behind']);
  });

  it('lets the statements pass that its new holder had waiting behind', async () => {
    const { gate, done, send, enter } = world();
    await gate.enter(one);

    void enter(two, 'entered');
    void send(two, 'its own');
    gate.leave(one);
    await settle();

    expect(done.toSorted()).toEqual(['entered', 'its own']);
  });

  it('is free again where its holder ended without leaving', async () => {
    const { gate, done, send } = world();
    await gate.enter(one);
    await gate.enter(one);

    void send(two, 'two');
    gate.abandon(one);

    expect(done).toEqual(['two']);
  });

  it('lets nobody wait when the transaction has ended', async () => {
    const { gate, done, send, enter } = world();
    await gate.enter(one);

    void send(two, 'two');
    void enter(three, 'three');
    gate.end();
    await settle();

    expect(done).toEqual(['two', 'three']);
  });
});
