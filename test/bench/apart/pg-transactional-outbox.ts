/**
 * What both contestants of pg-transactional-outbox share: its table and function as its own set-up makes them, for the
 * polling listener, which needs no setting of the server.
 */
import { DatabaseSetup, type PollingListenerConfig } from 'pg-transactional-outbox';

const names = {
  outboxOrInbox: 'outbox',
  database: '',
  schema: 'public',
  table: 'outbox',
  listenerRole: '',
} as const;
const nextMessagesName = 'next_outbox_messages';

export const setupSql = [
  DatabaseSetup.dropAndCreateTable(names),
  DatabaseSetup.createPollingFunction({ ...names, nextMessagesName }),
  DatabaseSetup.setupPollingIndexes({ ...names, nextMessagesName }),
].join('\n');

export function config(databaseUrl: string): PollingListenerConfig {
  return {
    outboxOrInbox: 'outbox',
    dbListenerConfig: { connectionString: databaseUrl },
    settings: {
      dbSchema: 'public',
      dbTable: 'outbox',
      enableMaxAttemptsProtection: false,
      enablePoisonousMessageProtection: false,
      nextMessagesFunctionName: nextMessagesName,
      nextMessagesBatchSize: 100,
      nextMessagesPollingIntervalInMs: 50,
    },
  };
}
