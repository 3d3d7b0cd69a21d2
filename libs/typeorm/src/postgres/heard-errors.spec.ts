import { EventEmitter } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { hearErrors } from './heard-errors.js';

describe('errors of connections that are handed over', () => {
  it('end no process, and each connection is listened to once', () => {
    const pool = new EventEmitter();
    const client = new EventEmitter();
    const dataSource = { driver: { master: pool } } as unknown as DataSource;

    hearErrors(dataSource);
    hearErrors(dataSource);
    pool.emit('acquire', client);
    pool.emit('acquire', client);

    expect(() => client.emit('error', new Error('terminating connection'))).not.toThrow();
    expect(client.listenerCount('error')).toBe(1);
  });
});
