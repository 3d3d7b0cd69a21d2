/** The log of the database broker as an operator's statements see it. Written beside the product's own, not from them. */
export const createTopicSql =
  'INSERT INTO eo_partition (topic, partition) SELECT $1, generate_series(0, $2::integer - 1)';

export const addPartitionsSql = `${createTopicSql} ON CONFLICT DO NOTHING`;

export const positionsSql =
  'SELECT partition, next_offset FROM eo_fence WHERE group_name = $1 AND topic = $2';

export const endsSql = 'SELECT partition, next_offset FROM eo_partition WHERE topic = $1';

export const dumpSql = `
SELECT partition, "offset", convert_from(key, 'UTF8') AS key, convert_from(body, 'UTF8') AS value,
  convert_from(headers, 'UTF8') AS headers
FROM eo_log WHERE topic = $1 ORDER BY partition, "offset"`;

export const membersSql = 'SELECT count(*)::integer AS count FROM eo_member WHERE group_name = $1';

/** Moves every fence of the group to the beginning. */
export const rewindSql = `
UPDATE eo_fence SET next_offset = 0, last_fingerprint = NULL WHERE group_name = $1 AND topic = $2`;

/** Forgets where the group stood: it begins anew. */
export const forgetGroupSql = 'DELETE FROM eo_fence WHERE group_name = $1 AND topic = $2';

/** Row locks on the ends of those topics until commit. $1 topics. */
export const lockEndsSql = `
SELECT topic, partition, next_offset FROM eo_partition
WHERE topic = ANY($1::text[]) ORDER BY topic, partition FOR UPDATE`;

/** Under the lock above. $1 topic, $2 partition, $3 offset, $4 key, $5 headers, $6 body. */
export const appendSql = `
INSERT INTO eo_log (topic, partition, "offset", key, headers, body) VALUES ($1, $2, $3, $4, $5, $6)`;

/** Under the lock above. $1 topic, $2 partition, $3 next offset. */
export const moveEndSql = 'UPDATE eo_partition SET next_offset = $3 WHERE topic = $1 AND partition = $2';
