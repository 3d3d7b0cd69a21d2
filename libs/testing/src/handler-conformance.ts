/**
 * The part of the storage suite about handlers' names: who a handler is, through renames and restarts.
 *
 * Two handlers that shared an identity would swallow each other's events; one that lost its own would run all again.
 */
import assert from 'node:assert/strict';
import { type DeclaredHandler, hasCode, type KnownHandler, type Storage } from '@exactly-once/core';
import type { It } from './concurrency-conformance.js';
import { committed, record } from './conformance-records.js';

export function describeHandlers(it: It, storage: () => Storage): void {
  const register = (...declared: DeclaredHandler[]) =>
    storage().handlers.register('service', declared, () => undefined);
  const identities = (handlers: readonly KnownHandler[]) => handlers.map(({ identity }) => identity);

  it('knows a handler again by its name, in whatever order they are declared', async () => {
    const first = await register({ name: 'a' }, { name: 'b' });

    const second = await register({ name: 'b' }, { name: 'a' });

    assert.deepEqual(identities(second), ['b', 'a']);
    assert.deepEqual(
      second.map(({ id }) => id),
      first.map(({ id }) => id).toReversed(),
    );
  });

  it('keeps the identity of a renamed handler, and shares it with no new one of the former name', async () => {
    const [before] = await register({ name: 'a' });

    const [fresh, renamed] = await register({ name: 'a', isNew: true }, { name: 'b', renamedFrom: 'a' });
    const again = await register({ name: 'b', renamedFrom: 'a' }, { name: 'a', isNew: true });

    assert.deepEqual([renamed?.identity, renamed?.id], [before?.identity, before?.id]);
    assert.notEqual(fresh?.identity, before?.identity);
    assert.notEqual(fresh?.id, before?.id);
    assert.deepEqual(identities(again), identities([renamed!, fresh!]));
  });

  it('finds a renamed handler for the old version of a service that starts beside the new one', async () => {
    const [before] = await register({ name: 'a' });
    await register({ name: 'b', renamedFrom: 'a' });

    const [old] = await register({ name: 'a' });

    assert.deepEqual([old?.name, old?.identity, old?.id], ['a', before?.identity, before?.id]);
  });

  it('gives a retired name that comes back its identity again', async () => {
    const [before] = await register({ name: 'a' }, { name: 'b' });
    await register({ name: 'b' });

    const [back] = await register({ name: 'a' }, { name: 'b' });

    assert.deepEqual([back?.identity, back?.id], [before?.identity, before?.id]);
  });

  it('changes nothing where the decision is against it', async () => {
    await register({ name: 'a' });
    const refusing = storage().handlers.register('service', [{ name: 'b', renamedFrom: 'a' }], () => {
      throw new Error('on purpose');
    });
    await assert.rejects(refusing, /on purpose/);

    let seen: readonly KnownHandler[] = [];
    await storage().handlers.register('service', [{ name: 'a' }], (known) => {
      seen = known;
    });

    assert.deepEqual(
      seen.map(({ name }) => name),
      ['a'],
    );
  });

  it('tells the decision whether records of these handlers stand in the inbox', async () => {
    const filled: boolean[] = [];
    const look = () =>
      storage().handlers.register(
        'service',
        [{ name: 'a' }],
        (_, inboxFilled) => void filled.push(inboxFilled),
      );
    const [handler] = await look();

    await committed(storage(), (transaction) =>
      storage().inbox.admit(transaction, [{ ...record('one'), handlerId: handler!.id }]),
    );
    await look();

    assert.deepEqual(filled, [false, true]);
  });

  it('refuses a name that belongs to another service', async () => {
    await register({ name: 'a' });

    const other = storage().handlers.register('other', [{ name: 'a' }], () => undefined);

    await assert.rejects(other, (error) => hasCode(error, 'EO_HANDLER_DUPLICATE'));
  });
}
