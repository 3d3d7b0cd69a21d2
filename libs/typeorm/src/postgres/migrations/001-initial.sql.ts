/**
 * The whole schema. May be edited until 0.1.0 is released and never after.
 *
 * Text that strangers choose (ids, keys, headers) is kept as bytes: PostgreSQL's text refuses NUL, and its
 * collations are nobody's idea of identity. Each event leaves one dead row in the outbox: a backlog must not put off
 * the vacuum, as a fraction of it would.
 */
import type { Tables } from '../tables.js';

/**
 * What an outbox looks like, for the planner: nothing is delayed or dead, and positions grow. Without it a claim reads the
 * whole table, dead rows and all, until the first analysis that happens to find rows; one that finds none leaves this.
 */
const outboxStatistics = (t: Tables) => `INSERT INTO ${t.outbox}
  (key_hash, topic, key, type, version, source, id, headers, content_type, body)
SELECT n, 'topic', n::text::bytea, 'type', 1, 'source', n::text::bytea, '[]', 'application/json', '{}'
FROM generate_series(1, 100) AS n;
ANALYZE ${t.outbox};
ANALYZE ${t.meta};
TRUNCATE ${t.outbox} RESTART IDENTITY;`;

export const initialSql = (t: Tables): string => `
CREATE TABLE ${t.meta} (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  schema_version integer NOT NULL,
  shard_count integer NOT NULL CHECK (shard_count BETWEEN 1 AND 1024),
  wanted_shard_count integer CHECK (wanted_shard_count BETWEEN 1 AND 1024),
  outbox_id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO ${t.meta} (schema_version, shard_count) VALUES (1, 1);

CREATE TABLE ${t.handler} (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  service text NOT NULL,
  name text NOT NULL UNIQUE,
  identity text NOT NULL UNIQUE,
  generation integer NOT NULL DEFAULT 1,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  renamed_from text,
  retired_at timestamptz,
  group_name text,
  topic text,
  dedup text CHECK (dedup IN ('inbox', 'offset')),
  window_days double precision
);

CREATE TABLE ${t.inbox} (
  key bytea PRIMARY KEY CHECK (length(key) = 24),
  handler_id integer NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  fingerprint bytea NOT NULL,
  result bytea
);
CREATE INDEX eo_inbox_recorded_at ON ${t.inbox} (recorded_at);

CREATE TABLE ${t.outbox} (
  txid xid8 NOT NULL DEFAULT pg_current_xact_id(), -- before the position: see the relay's claim
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key_hash integer NOT NULL,
  topic text NOT NULL,
  key bytea,
  type text NOT NULL,
  version integer NOT NULL,
  source text NOT NULL,
  id bytea NOT NULL,
  time_ms bigint,
  headers bytea NOT NULL,
  content_type text NOT NULL,
  body bytea,
  traceparent text,
  tracestate text,
  deliver_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'dead')),
  claim bigint,
  reason text
) WITH (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000
);
CREATE INDEX eo_outbox_delayed ON ${t.outbox} (deliver_at, position)
  WHERE deliver_at IS NOT NULL AND state = 'pending';
CREATE INDEX eo_outbox_dead ON ${t.outbox} (key_hash) WHERE state = 'dead';
${outboxStatistics(t)}

CREATE TABLE ${t.outboxArchive} (
  position bigint PRIMARY KEY,
  key_hash integer NOT NULL,
  topic text NOT NULL,
  key bytea,
  type text NOT NULL,
  version integer NOT NULL,
  source text NOT NULL,
  id bytea NOT NULL,
  time_ms bigint,
  headers bytea NOT NULL,
  content_type text NOT NULL,
  body bytea,
  traceparent text,
  tracestate text,
  deliver_at timestamptz,
  created_at timestamptz NOT NULL,
  state text NOT NULL CHECK (state IN ('sent', 'discarded')),
  settled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  keep_until timestamptz,
  reason text,
  decided_by text,
  decided_why text
);
CREATE INDEX eo_outbox_archive_keep_until ON ${t.outboxArchive} (keep_until);

CREATE TABLE ${t.fence} (
  group_name text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  next_offset bigint NOT NULL,
  owner text NOT NULL,
  clean boolean NOT NULL,
  last_fingerprint bytea,
  log_generation integer NOT NULL DEFAULT 1,
  suspect_unit text,
  suspect_owners text[],
  PRIMARY KEY (group_name, topic, partition)
);

CREATE TABLE ${t.lease} (
  shard integer PRIMARY KEY,
  owner text NOT NULL,
  epoch bigint NOT NULL,
  until timestamptz NOT NULL
);

CREATE TABLE ${t.relay} (
  name text PRIMARY KEY,
  since timestamptz NOT NULL DEFAULT clock_timestamp(),
  until timestamptz NOT NULL
);

CREATE TABLE ${t.outboxBatch} (
  shard integer NOT NULL,
  token bigint NOT NULL,
  positions bigint[] NOT NULL,
  PRIMARY KEY (shard, token)
);

CREATE TABLE ${t.parkedKey} (
  handler_id integer NOT NULL,
  topic text NOT NULL,
  key_hash bytea NOT NULL CHECK (length(key_hash) = 32),
  parked_at timestamptz NOT NULL DEFAULT now(),
  begun_by text[] NOT NULL DEFAULT '{}',
  begun_at timestamptz,
  next_attempt_at timestamptz,
  PRIMARY KEY (handler_id, topic, key_hash)
);
CREATE INDEX eo_parked_key_due ON ${t.parkedKey} (handler_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX eo_parked_key_parked_at ON ${t.parkedKey} (parked_at);

CREATE TABLE ${t.parkedEvent} (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  handler_id integer NOT NULL,
  topic text NOT NULL,
  key_hash bytea NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  key bytea,
  headers bytea NOT NULL,
  body bytea,
  timestamp_ms bigint NOT NULL,
  inbox_key bytea NOT NULL,
  code text NOT NULL,
  error_chain text[] NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  deaths integer NOT NULL DEFAULT 0,
  first_attempt_at timestamptz NOT NULL,
  next_attempt_at timestamptz,
  given_up_by text,
  given_up_why text,
  FOREIGN KEY (handler_id, topic, key_hash) REFERENCES ${t.parkedKey}
);
CREATE INDEX eo_parked_event_scope ON ${t.parkedEvent} (handler_id, topic, key_hash, position);
CREATE INDEX eo_parked_event_inbox_key ON ${t.parkedEvent} (inbox_key);
CREATE INDEX eo_parked_event_due ON ${t.parkedEvent} (handler_id, next_attempt_at)
  WHERE next_attempt_at IS NOT NULL;

CREATE TABLE ${t.deadLetter} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  handler text,
  topic text NOT NULL,
  partition integer,
  "offset" bigint,
  key bytea,
  event_id bytea,
  source bytea,
  type bytea,
  headers bytea NOT NULL,
  body bytea,
  code text NOT NULL,
  error_chain text[] NOT NULL,
  attempts integer NOT NULL,
  first_attempt_at timestamptz NOT NULL,
  dead_at timestamptz NOT NULL DEFAULT now(),
  service_version text,
  handler_id integer,
  key_hash bytea,
  inbox_key bytea,
  timestamp_ms bigint,
  redacted boolean NOT NULL DEFAULT false,
  replay_of bigint,
  edited_bodies bytea[] NOT NULL DEFAULT '{}',
  edited_by text[] NOT NULL DEFAULT '{}',
  edited_at timestamptz[] NOT NULL DEFAULT '{}',
  state text NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'replayed', 'discarded')),
  decided_by text,
  decided_why text,
  decided_at timestamptz
);
CREATE INDEX eo_dead_letter_state ON ${t.deadLetter} (state, coalesce(replay_of, id), id);
CREATE INDEX eo_dead_letter_decided ON ${t.deadLetter} (decided_at) WHERE state <> 'dead';
CREATE INDEX eo_dead_letter_inbox_key ON ${t.deadLetter} (inbox_key) WHERE state = 'dead';

CREATE TABLE ${t.partition} (
  topic text NOT NULL,
  partition integer NOT NULL CHECK (partition >= 0),
  first_offset bigint NOT NULL DEFAULT 0,
  next_offset bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, partition)
);

CREATE TABLE ${t.log} (
  topic text NOT NULL,
  partition integer NOT NULL,
  "offset" bigint NOT NULL,
  key bytea,
  headers bytea NOT NULL,
  body bytea,
  appended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (topic, partition, "offset")
);

CREATE TABLE ${t.member} (
  group_name text NOT NULL,
  name text NOT NULL,
  topics text[] NOT NULL,
  until timestamptz NOT NULL,
  PRIMARY KEY (group_name, name)
);
`;
