/**
 * Tells from a statement's text whether a handler may run it inside the framework's transaction.
 *
 * What would outlive the transaction is refused: the pool, or a pooler, hands the session on to whoever comes next. What
 * functions and DO blocks do is not seen.
 */
import { ExactlyOnceError } from '@exactly-once/core';
import { readStatements, type Statement } from './statement-reading.js';

const transactionWords = new Set([
  'begin',
  'start',
  'commit',
  'end',
  'rollback',
  'abort',
  'savepoint',
  'release',
]);
/** Nothing to look at: one ordinary statement. */
const plain = /^\s*(?:insert|update|delete|select|with)\b[^;]*$/i;
/** What makes an ordinary statement worth a closer look. */
const suspicious = /set_config|advisory_lock|\b(?:temp|temporary)\b|pg_temp|pg_settings/i;
const sessionLock = /\b(?:pg_advisory_lock|pg_try_advisory_lock)(?:_shared)?\b/;
const setConfig = /\bset_config\b/;
/** Words that may stand between CREATE and TEMPORARY. */
const createPrefixes = new Set(['or', 'replace', 'local', 'global']);
const temporaryWords = new Set(['temp', 'temporary']);
const temporarySchema = /^pg_temp(?:_\d+)?$/;
/** Not that of INSERT and MERGE, which write to a table of that name. */
const selectIntoTemporary =
  /(?<!\b(?:insert|merge) )\binto (?:(?:local|global) )?(?:(?:temp|temporary) (?!from\b)[\w\u0080-\uffff]|pg_temp(?:_\d+)? \.)/;
const dropsOnCommit = /\bon commit drop\b/;
const isLocal = /^(?:is_local (?:= >|: =) )?true(?: : : bool(?:ean)?)?$/;
const writesSettings = /\bupdate (?:only )?(?:pg_catalog \. )?pg_settings\b/;
const explainedCreation = /\bcreate (?:(?:local|global) )?(?:temp|temporary) table\b/;
/** Of the session, and nothing of a transaction; what each is called in the message. */
const sessionWords: Readonly<Record<string, string>> = {
  discard: 'DISCARD',
  listen: 'LISTEN, which outlives its transaction',
  load: 'LOAD, which outlives its transaction',
  prepare: 'PREPARE, which outlives its transaction',
  reset: 'RESET, which outlives its transaction',
};
/** Ours: with another one a stopped process could hold its successor. */
const idleTimeout = 'idle_in_transaction_session_timeout';

/**
 * Throws EO_TRANSACTION_OWNED for statements that end, nest or re-configure the transaction, and for locks, settings and
 * temporary tables that outlive it. `shared`: neighbours run in it too, so that a setting or a temporary table of one
 * would reach the others.
 */
export function assertAllowed(sql: string, shared: boolean): void {
  if (plain.test(sql) && !suspicious.test(sql)) return;
  for (const statement of readStatements(sql)) {
    const what = refusal(statement, shared);
    if (what !== null) throw owned(what, sql);
  }
}

/** What a statement does that it must not; `null` where it may. */
function refusal({ words, text }: Statement, shared: boolean): string | null {
  const [first = '', second = '', third = ''] = words;
  if (transactionWords.has(first)) return `${first.toUpperCase()} as text`;
  if (first === 'prepare' && second === 'transaction') return 'PREPARE TRANSACTION';
  if (first === 'set' && (second === 'transaction' || third === 'characteristics')) return 'SET TRANSACTION';
  const ofSession = sessionWords[first];
  if (ofSession !== undefined) return ofSession;
  if (first === 'declare' && /\bwith hold\b/.test(text))
    return 'DECLARE … WITH HOLD, which outlives its transaction';
  if (first === 'set') return configures(second, third, shared);
  if (writesSettings.test(text)) return 'UPDATE pg_settings, which outlives its transaction: use SET LOCAL';
  const lock = sessionLock.exec(text);
  if (lock !== null) return `${lock[0]}(), which outlives its transaction: use the one with _xact_`;
  if (selectIntoTemporary.test(text))
    return 'a query into a temporary table that outlives its transaction: make it with ON COMMIT DROP';
  const creates =
    first === 'create' ? isTemporary(words) : first === 'explain' && explainedCreation.test(text);
  if (creates) return leavesTable(text, shared);
  return setConfig.test(text) ? setsConfig(text, shared) : null;
}

function configures(second: string, third: string, shared: boolean): string | null {
  if (shared) return `SET ${second}`.toUpperCase();
  if (second === 'local' && third === idleTimeout)
    return 'a change of idle_in_transaction_session_timeout, which is ours';
  if (second === 'local' || second === 'constraints') return null;
  return 'SET, which outlives its transaction: use SET LOCAL';
}

function leavesTable(text: string, shared: boolean): string | null {
  if (!dropsOnCommit.test(text))
    return 'CREATE TEMPORARY without ON COMMIT DROP: it outlives its transaction';
  return shared ? 'CREATE TEMPORARY' : null;
}

/** Where it is not plain that the setting ends with the transaction, it is taken for one that does not. */
function setsConfig(text: string, shared: boolean): string | null {
  if (shared) return 'set_config()';
  const given = [...text.matchAll(/\bset_config \(/g)].map(({ 0: found, index }) =>
    argumentsFrom(text, index + found.length),
  );
  if (given.every((parameters) => isLocal.test(parameters[2] ?? ''))) return null;
  return 'set_config() without a literal true as its third argument: it outlives its transaction';
}

/** Those of a call, the text of which begins at `from`. */
function argumentsFrom(text: string, from: number): string[] {
  const found = [''];
  let depth = 1;
  for (const token of text.slice(from).trim().split(' ')) {
    if (token === '(' || token === '[') depth++;
    if (token === ')' || token === ']') depth--;
    if (depth === 0) break;
    if (token === ',' && depth === 1) found.push('');
    else found[found.length - 1] = `${found.at(-1)} ${token}`.trim();
  }
  return found;
}

/** By its word, or by the schema of what is made; an index may be on a temporary table. */
function isTemporary([, ...words]: readonly string[]): boolean {
  const what = words.find((one) => !createPrefixes.has(one)) ?? '';
  const on = words.indexOf('on');
  const named = on === -1 ? words : words.slice(0, on);
  return temporaryWords.has(what) || named.some((one) => temporarySchema.test(one));
}

function owned(what: string, sql: string): ExactlyOnceError {
  const text = sql.trim().slice(0, 80);
  return new ExactlyOnceError('EO_TRANSACTION_OWNED', `a handler ran ${what}`, {
    details: { statement: text },
  });
}
