/**
 * The rules of exactly-once event processing, without Nest, TypeORM or Kafka.
 *
 * Folders are an event's life: event, outbox, relay, broker, inbox, processing, storage, failure, retention.
 */
export type {
  Broker,
  BrokerContext,
  ConsumerHealth,
  ConsumerRequest,
  DeliverySink,
  EventConsumer,
  FenceClaim,
  ProcessingSession,
  TopicRequest,
} from './broker/broker.js';
export type { Delivery } from './broker/delivery.js';
export type { GroupPositions, PartitionStanding } from './broker/group-positions.js';
export type { Publisher, SendOutcome } from './broker/publisher.js';
export type {
  OutboxShard,
  ShardPublisher,
  TransactionalBatch,
  TransactionalPublisher,
} from './broker/transactional-publisher.js';
export { type Clock, longestTimerMs, systemClock } from './clock.js';
export { assignedTo } from './database-broker/assignment.js';
export {
  DatabaseBroker,
  type DatabaseBrokerOptions,
  databaseBroker,
} from './database-broker/database-broker.js';
export type {
  GroupMember,
  LogEnds,
  LogPosition,
  LogRecord,
  LogStore,
  ReadBounds,
} from './database-broker/log-store.js';
export { Engine } from './engine/engine.js';
export type { EngineHealth, PartHealth } from './engine/engine-health.js';
export type {
  BatchOptions,
  EngineOptions,
  ForeignHandlerDefinition,
  RelayOptions,
  RetentionOptions,
} from './engine/engine-options.js';
export { engineOptionNames } from './engine/engine-options-check.js';
export { checkChoice, checkNumber, checkOptions } from './engine/options-check.js';
export type { ForeignRequest } from './engine/processing.js';
export { type ErrorCode, type EventOutcome, errorTable } from './errors/error-table.js';
export {
  type ErrorExtras,
  ExactlyOnceError,
  errorChain,
  hasCode,
  isExactlyOnceError,
  PermanentError,
  RetryAfterError,
} from './errors/exactly-once-error.js';
export { hideSecretsOf } from './errors/without-secrets.js';
export { header, isCloudEvent, readHeaders, writeHeaders } from './event/cloud-event-headers.js';
export { type EventCodec, jsonCodec } from './event/event-codec.js';
export type { EventEnvelope } from './event/event-envelope.js';
export {
  bodyFingerprint,
  derivedEventId,
  idTimeMs,
  inboxKey,
  keyHash,
  newEventId,
} from './event/event-id.js';
export { readEvent, type TopicMapping, type TopicMappings } from './event/event-reader.js';
export type { EventTypeDescriptor } from './event/event-type.js';
export type { DeadLetterOptions } from './failure/burial.js';
export {
  checkWords,
  type DecisionProgress,
  type DiscardReport,
  discardLetters,
  type ReplayReport,
  replayLetters,
} from './failure/dead-letter-decisions.js';
export { type DeadLetterMessage, deadLetterMessage } from './failure/dead-letter-message.js';
export {
  type DeadLetter,
  type DeadLetterContent,
  type DeadLetterEdit,
  type DeadLetterFilter,
  type DeadLetterHead,
  type DeadLetterState,
  type DeadLetterStore,
  deadLetterMoves,
  type ReplayAnswer,
  type ReplayOutcome,
  type ReplayTarget,
  replayOutcome,
  replayPosition,
  type StoredDeadLetter,
} from './failure/dead-letter-store.js';
export { receivedHeaders } from './failure/dead-letter-writer.js';
export {
  type Disposition,
  decide,
  defaultRetryPolicy,
  type Failure,
  type RetryPolicy,
} from './failure/failure-policy.js';
export type {
  ParkedEntry,
  ParkedEvent,
  ParkedFailure,
  ParkedFilter,
  ParkedScope,
  ParkReason,
  ParkScope,
  ParkStore,
  RetryMark,
  UpcomingScope,
} from './failure/park-store.js';
export type { FenceKey, FenceMove, FenceRow, FenceStore, Suspect } from './inbox/fence-store.js';
export type {
  DeclaredHandler,
  GroupHandler,
  HandlerIntake,
  HandlerStore,
  KnownHandler,
} from './inbox/handler-store.js';
export type { Admission, InboxRecord, InboxStore } from './inbox/inbox-store.js';
export type { DeadRow, DeadRowStore, DiscardDecision } from './outbox/dead-row-store.js';
export { Outbox, type Publication } from './outbox/outbox.js';
export type { ArchivedRow, ArchiveState, OutboxArchive } from './outbox/outbox-archive.js';
export {
  attributeBytes,
  type ClaimBounds,
  type DeadRows,
  type OutboxBatch,
  type OutboxClaim,
  type OutboxDepth,
  type OutboxRow,
  type OutboxState,
  type OutboxStore,
  outboxMoves,
  rowBytes,
  type ShardStart,
} from './outbox/outbox-store.js';
export type { PublishOptions } from './outbox/publish-options.js';
export type { TransactionOptions } from './processing/business-transaction.js';
export type { DryRun, DryRunFailure } from './processing/dry-run.js';
export { EventContext } from './processing/event-context.js';
export type { HandlerDefinition, HandlerOptions } from './processing/handler.js';
export { Invocation } from './processing/invocation.js';
export type { ParkRetryResult } from './processing/park-retry.js';
export type { Lease, LeaseStore, RelayOverview, RelayView } from './relay/lease-store.js';
export { Relay, type RelayParts } from './relay/relay.js';
export { PlainSending, type Sending, type Sent, type ShardSending } from './relay/shard-sending.js';
export { planShards, type ShardPlan } from './relay/shard-share.js';
export { TransactionalSending, type TransactionalSendingParts } from './relay/transactional-sending.js';
export { type Forgetful, Retention, type RetentionParts } from './retention/retention.js';
export { type RewindOutcome, rewind } from './rewind/rewind.js';
export {
  isMoved,
  type PartitionRewind,
  planRewind,
  type RewindParts,
  type RewindPlan,
  type RewindRequest,
  type RewindTarget,
} from './rewind/rewind-plan.js';
export type { RewindStep, RewindStore, Rewound } from './rewind/rewind-store.js';
export { AmbientScope, endScope, openScope, type Scope } from './storage/ambient-scope.js';
export { AmbientValue } from './storage/ambient-value.js';
export type { BorrowedTransaction } from './storage/borrowed-transaction.js';
export type {
  DeadLetterCount,
  FencePosition,
  OverviewStore,
  ParkedCount,
} from './storage/overview-store.js';
export type { AdapterDescription, Storage, StorageFeatures } from './storage/storage.js';
export {
  type BeginOptions,
  type IsolationLevel,
  type OutboxEntry,
  type Transaction,
  type TransactionState,
  transactionMoves,
  type WrittenEntry,
  writtenEntries,
} from './storage/transaction.js';
export type { RowCount, WrittenRows } from './storage/written-rows.js';
export { type Logger, silentLogger } from './telemetry/logger.js';
export {
  type Attributes,
  type CounterName,
  type GaugeName,
  type HistogramName,
  noTelemetry,
  type SpanOptions,
  type Telemetry,
  type TraceContext,
} from './telemetry/telemetry.js';
export { isThenable } from './thenable.js';
