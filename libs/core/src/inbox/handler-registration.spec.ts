import { describe, expect, it } from '@jest/globals';
import { checkHandlerNames } from './handler-registration.js';
import type { KnownHandler } from './handler-store.js';

const known = (name: string, renamedFrom: string | null = null): KnownHandler => ({
  id: 1,
  name,
  renamedFrom,
  identity: renamedFrom ?? name,
  generation: 1,
});
const unknownName = expect.objectContaining({ code: 'EO_HANDLER_UNKNOWN_NAME' });

describe('checkHandlerNames', () => {
  it('lets anything pass on an empty inbox', () => {
    expect(() => checkHandlerNames([{ name: 'b' }], [], [known('a')], false)).not.toThrow();
  });

  it('stops a name that is new on a filled inbox', () => {
    expect(() => checkHandlerNames([{ name: 'a' }, { name: 'b' }], [], [known('a')], true)).toThrow(
      unknownName,
    );
  });

  it('stops where a name has vanished', () => {
    expect(() => checkHandlerNames([{ name: 'a' }], [], [known('a'), known('b')], true)).toThrow(unknownName);
  });

  it('names both sides of a rename that nobody declared', () => {
    expect(() => checkHandlerNames([{ name: 'b' }], [], [known('a')], true)).toThrow(/new: b; vanished: a/);
  });

  it('accepts a declared rename, a declared novelty and a declared retirement', () => {
    const declared = [
      { name: 'b', renamedFrom: 'a' },
      { name: 'c', isNew: true },
    ];

    expect(() => checkHandlerNames(declared, ['d'], [known('a'), known('d')], true)).not.toThrow();
  });

  it('lets the old release start beside the new one after a rename', () => {
    expect(() => checkHandlerNames([{ name: 'a' }], [], [known('b', 'a')], true)).not.toThrow();
  });
});
