/**
 * Fills an inbox for the benchmark `growth` with rows as the framework writes them: a key of 8 bytes of time and 16 of
 * hash. No lock but on the new rows; for an inbox that nobody else uses.
 */

/** The first statement that fills it must know the one handler there is. $1 the first row, $2 the last, $3 now in ms. */
export const fillTimeOrderedSql = fill(
  "int8send($3::bigint - 86400000 + n / 1000) || decode(md5(n::text), 'hex')",
);

/** As of ids that carry no time: the key is the hash alone, so rows come in anywhere. Parameters as above. */
export const fillRandomSql = fill("int8send($3::bigint * 0) || decode(md5(n::text), 'hex')");

/**
 * Sorted, so that a statement fetches each page of the index once. Time-ordered keys leave the same index as one by one;
 * of random ones the pages of the first statement are fuller than they would be, those of later ones are split as usual.
 */
function fill(key: string): string {
  return `
INSERT INTO eo_inbox (key, handler_id, fingerprint)
SELECT key, (SELECT min(id) FROM eo_handler), substring(key FROM 9)
FROM (SELECT ${key} AS key FROM generate_series($1::bigint, $2::bigint) AS given (n)) AS made
ORDER BY key`;
}
