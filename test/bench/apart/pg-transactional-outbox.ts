/**
 * What both contestants of pg-transactional-outbox share: its table and function as its own set-up makes them, for the
 * polling listener, which needs no setting of the server.
 */
import type { PoolConfig } from 'pg';
import { DatabaseSetup, type PollingListenerConfig } from 'pg-transactional-outbox';

const names = {
  outboxOrInbox: 'outbox',
  database: '',
  schema: 'public',
  table: 'outbox',
  listenerRole: '',
} as const;
const nextMessagesName = 'next_outbox_messages';

/** Messages at a time. */
export const batchSize = 100;

export const setupSql = [
  DatabaseSetup.dropAndCreateTable(names),
  DatabaseSetup.createPollingFunction({ ...names, nextMessagesName }),
  DatabaseSetup.setupPollingIndexes({ ...names, nextMessagesName }),
].join('\n');

export function config(databaseUrl: string): PollingListenerConfig {
  const handlers: PoolConfig = { connectionString: databaseUrl, max: 20 };
  return {
    outboxOrInbox: 'outbox',
    dbListenerConfig: { connectionString: databaseUrl },
    dbHandlerConfig: handlers,
    settings: {
      dbSchema: 'public',
      dbTable: 'outbox',
      enableMaxAttemptsProtection: false,
      enablePoisonousMessageProtection: false,
      nextMessagesFunctionName: nextMessagesName,
      nextMessagesBatchSize: batchSize,
      nextMessagesPollingIntervalInMs: 50,
      // Its documentation: deleting messages is important for the speed of polling.
      messageCleanupIntervalInMs: 250,
      messageCleanupProcessedInSec: 1,
    },
  };
}
