/**
 * What each error means, what to do about it, and what becomes of the event. The one table; documentation is
 * checked against it.
 */

/**
 * `retry`: again, without counting · `count`: again, up to the attempts of the policy, then dead letter ·
 * `dead-letter`: at once · `park`: it waits in the database, said by whoever parks it: no handler's failure is decided
 * so · `stop`: the consumer stops, nothing is passed by · `none`: no event is involved.
 */
export type EventOutcome = 'retry' | 'count' | 'dead-letter' | 'park' | 'stop' | 'none';

interface ErrorRule {
  readonly outcome: EventOutcome;
  readonly meaning: string;
  readonly remedy: string;
}

const rule = (outcome: EventOutcome, meaning: string, remedy: string): ErrorRule => ({
  outcome,
  meaning,
  remedy,
});

export const errorTable = {
  EO_OPTION_UNKNOWN: rule(
    'none',
    'an option is not known',
    'use the nearest known name that the message gives',
  ),
  EO_OPTION_INVALID: rule(
    'none',
    'an option has a value outside its bounds, or contradicts another',
    'correct it as the message says',
  ),
  EO_OPTION_MISSING: rule('none', 'an option without a default was left out', 'state it'),
  EO_EVENT_TYPE_MISSING: rule(
    'none',
    'an event class carries no @EventType, or its type has no topic',
    'decorate the class, or pass the topic',
  ),
  EO_HANDLER_DUPLICATE: rule('none', 'two handlers have the same name', 'give one of them a `name`'),
  EO_HANDLER_UNKNOWN_NAME: rule(
    'none',
    'a handler name is new or has vanished although the inbox holds records',
    'say `renamedFrom` or `new: true` at the handler, or list the name under `retiredHandlers`',
  ),
  EO_TRANSPORT_UNSUPPORTED: rule(
    'none',
    'this transport cannot acknowledge after the commit',
    'use exactlyOnce(), Kafka, or RabbitMQ with noAck: false',
  ),
  EO_SCHEMA_MISSING: rule(
    'none',
    'the tables do not exist',
    'run "npx exactly-once migrate", or set `migrate: true`',
  ),
  EO_SCHEMA_OUTDATED: rule(
    'none',
    'the tables are older than this release',
    'run "npx exactly-once migrate", then restart',
  ),
  EO_STORAGE_UNAVAILABLE: rule(
    'retry',
    'the database could not be reached or the connection broke',
    'none needed: it is tried again; look at the database',
  ),
  EO_FOLDER_IN_USE: rule(
    'none',
    'another process has opened the folder of the embedded database',
    'end that process, or give this one a folder of its own; on a PostgreSQL server several can share a database',
  ),
  EO_PACKAGE_MISSING: rule(
    'none',
    'an optional package is needed and is not installed',
    'install it as the message says',
  ),
  EO_DATABASE_BUSY: rule(
    'count',
    'the embedded database has one session, and another transaction kept it for longer than busyTimeoutMs',
    'inside an open transaction use its repositories and its manager, not ExactlyOnce.outside or a query runner of another; raise busyTimeoutMs where transactions take long; or use a PostgreSQL server',
  ),
  EO_BROKER_UNAVAILABLE: rule(
    'retry',
    'the broker could not be reached',
    'none needed: it is tried again; look at the broker',
  ),
  EO_SERIALIZATION_FAILURE: rule(
    'retry',
    'the database rolled back a transaction that collided with another (40001, 40P01, lock time-out)',
    'none needed: it is tried again',
  ),
  EO_COMMIT_UNKNOWN: rule(
    'retry',
    'the connection broke during COMMIT: the transaction may or may not have happened',
    'in a handler none: the inbox decides. In ExactlyOnce.transaction check before you repeat it',
  ),
  EO_TRANSACTION_ABORTED: rule(
    'count',
    'an SQL error was caught and swallowed, and PostgreSQL had aborted the transaction: nothing was committed',
    'let the error through, or do the risky statement inside a nested transaction',
  ),
  EO_TRANSACTION_OWNED: rule(
    'count',
    'the code tried to end the transaction that belongs to the framework, or to leave something in it, or in its session, for others',
    'use dataSource.transaction() for a nested one, commit: "event" for SET LOCAL, set_config(…, true) and CREATE TEMP TABLE … ON COMMIT DROP, pg_advisory_xact_lock() for locks',
  ),
  EO_TRANSACTION_ENDED: rule(
    'count',
    'a statement came after its event had ended: a write was not awaited',
    'await it, or wrap it in ExactlyOnce.outside() if it must not belong to the event',
  ),
  EO_WRITE_ESCAPED: rule(
    'count',
    'in a test or in development, a handler wrote on a connection that is not its transaction: a crash would leave the write without its event, or double it',
    'write through the repositories or the EntityManager of the DataSource that typeOrmStorage() uses, or wrap it in ExactlyOnce.outside() if it must survive a rollback',
  ),
  EO_NO_TRANSACTION: rule(
    'count',
    'an event was published outside of a transaction',
    'publish inside a handler or ExactlyOnce.transaction(() => …)',
  ),
  EO_NO_DATABASE: rule(
    'count',
    'the code used a database transaction where there is none: no `storage`, or a handler with transaction: "kafka"',
    'give the module a `storage` and the handler a database transaction; for a read or a write that may happen twice, ExactlyOnce.outside()',
  ),
  EO_EVENT_REFUSED: rule(
    'count',
    'the broker refused what a handler published, for example as too large; its Kafka transaction was aborted',
    'publish smaller events, or raise the limit of the topic',
  ),
  EO_CAUSE_REQUIRED: rule(
    'count',
    'a batch handler published without saying which event caused it',
    'publish(event, { causedBy: context })',
  ),
  EO_FENCED: rule(
    'retry',
    'another consumer owns the partition now; nothing was committed here',
    'none needed: the owner processes the events',
  ),
  EO_LEASE_LOST: rule('none', 'another relay owns the shard now', 'none needed: that relay publishes'),
  EO_OFFSET_AHEAD: rule(
    'stop',
    "the group stands behind the broker's committed offset: records would be passed by",
    'stop the consumers of the group, run the "npx exactly-once rewind" that the message names, then start them',
  ),
  EO_TOPIC_MISSING: rule(
    'retry',
    'a topic of the database broker does not exist any more',
    'nothing where it is made anew by the next try; look for who deletes rows of eo_partition',
  ),
  EO_LOG_CHANGED: rule(
    'none',
    'the topic was recreated or truncated: its log is not the one that was read',
    "none needed with an inbox: the log is read from its beginning. With dedup: 'offset' the partition stops: see the README on how to go on",
  ),
  EO_STOPPED: rule(
    'stop',
    'an event must not be passed by and cannot be handled',
    'see the cause; restart when it is mended',
  ),
  EO_TYPE_UNHANDLED: rule(
    'stop',
    'no handler is registered for the type of an event',
    'add one, or set `unhandled` to skip or dead-letter',
  ),
  EO_ID_INVALID: rule(
    'dead-letter',
    'the event has no id, or one that is empty, longer than 10,240 bytes or not well-formed text',
    'correct the producer, or map the topic with an id extractor',
  ),
  EO_ID_REUSED: rule(
    'dead-letter',
    'an event with this id but another body was processed before',
    'give different events different ids',
  ),
  EO_ENVELOPE_INVALID: rule(
    'dead-letter',
    'the headers are not a CloudEvent',
    'correct the producer, or map the topic',
  ),
  EO_BODY_INVALID: rule(
    'dead-letter',
    'the body could not be decoded',
    'correct the producer, or give a codec for its content type',
  ),
  EO_BODY_UNENCODABLE: rule(
    'count',
    'the body of a published event cannot be encoded',
    'publish data that the codec can hold',
  ),
  EO_VERSION_UNKNOWN: rule(
    'dead-letter',
    'the event is of a version that this code cannot read',
    'deploy a release that knows it, or add the upcaster',
  ),
  EO_VALIDATION_FAILED: rule(
    'dead-letter',
    'the body does not satisfy its rules',
    'correct the producer or the rules',
  ),
  EO_HANDLER_TIMEOUT: rule(
    'count',
    'the handler did not settle within timeoutMs; its transaction was rolled back',
    'make it faster, raise timeoutMs, or obey the signal',
  ),
  EO_HANDLER_FAILED: rule(
    'count',
    'the handler threw an error of its own; its transaction was rolled back',
    'see the error; correct the handler, then replay',
  ),
  EO_HANDLER_NOT_REACHED: rule(
    'count',
    'a guard or interceptor answered instead of the handler',
    'throw from it, or let the event through',
  ),
  EO_PERMANENT: rule('dead-letter', 'the handler threw PermanentError', 'see its message'),
  EO_RETRY_AFTER: rule('count', 'the handler threw RetryAfterError', 'see its message'),
  EO_GIVEN_UP: rule(
    'dead-letter',
    'somebody gave a parked event up by hand',
    'none needed; replay it where that was wrong',
  ),
  EO_PROCESS_KILLED: rule(
    'park',
    'three processes died while they handled this event alone',
    'find out why (a crash of the runtime, memory, or deploys that kill without SIGTERM), then let it go on by hand; with `processKillers: "dead-letter"` it is dead-lettered',
  ),
  EO_KEY_PARKED: rule(
    'park',
    'an earlier event of this key is parked for this handler',
    'see to that event: this one follows it in order',
  ),
  EO_REWIND_REFUSED: rule(
    'none',
    'a rewind would pass events by or run some twice unasked, or its group runs; nothing was changed',
    'do what the message says, then call it again',
  ),
  EO_SHUTTING_DOWN: rule(
    'retry',
    'the process stops; the transaction was rolled back',
    'none needed for an event: it is delivered again. After ExactlyOnce.transaction call again, elsewhere',
  ),
  EO_INTERNAL: rule('stop', 'the framework contradicts itself', 'report it with the message'),
} as const satisfies Readonly<Record<string, ErrorRule>>;

export type ErrorCode = keyof typeof errorTable;
