/**
 * Statements that the embedded session is given on its own account.
 *
 * Takes no lock.
 */

/** Ends what a client that is gone has left open. */
export const rollbackSql = 'ROLLBACK';

/** In place of a COPY … FROM STDIN, which would end PGlite; fails as a statement fails. */
export const refuseCopySql = `DO $$ BEGIN
  RAISE feature_not_supported USING MESSAGE = 'the embedded database cannot COPY FROM STDIN',
    HINT = 'Insert the rows instead.';
END $$`;
