/** The shards of the outbox as an operator's statements see them. */

/** Before any relay runs. $1 count. */
export const splitSql = 'UPDATE eo_meta SET shard_count = $1';

/** The relays see to it. $1 count. */
export const wantShardsSql = 'UPDATE eo_meta SET wanted_shard_count = $1';

export const outboxIdSql = 'SELECT outbox_id AS id FROM eo_meta';

export const shardsSql = 'SELECT shard_count AS count, wanted_shard_count AS wanted FROM eo_meta';
