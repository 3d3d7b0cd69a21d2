import { describe, expect, it } from '@jest/globals';
import type { Admin } from 'kafkajs';
import { KafkajsAdmin } from './kafkajs-admin.js';

describe('the admin client of kafkajs', () => {
  const asked = (error: Error) => {
    const admin = { describeCluster: () => Promise.reject(error) } as unknown as Admin;
    return new KafkajsAdmin(admin).ping();
  };
  const answer = (type: string) => new Error('gave up', { cause: Object.assign(new Error(type), { type }) });

  it('takes a topic without a leader for an answer of the cluster', async () => {
    await expect(asked(answer('LEADER_NOT_AVAILABLE'))).resolves.toBeUndefined();
  });

  it('rejects where the cluster does not answer, or refuses to', async () => {
    await expect(asked(new Error('timed out'))).rejects.toThrow('timed out');
    await expect(asked(answer('SASL_AUTHENTICATION_FAILED'))).rejects.toThrow('gave up');
  });
});
