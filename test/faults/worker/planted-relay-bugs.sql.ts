/** Statements of planted bugs: the product has none of their kind. */

/** Who really holds the shard. $1 shard. */
export const holderSql = 'SELECT owner, epoch FROM eo_lease WHERE shard = $1';

/** It stays dead, and holds nobody back. $1 position. */
export const forgetKeySql = 'UPDATE eo_outbox SET key = NULL WHERE position = $1';
