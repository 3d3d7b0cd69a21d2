/**
 * Tells from a statement's text whether a handler may run it inside the framework's transaction.
 *
 * Reads SQL only as far as needed: comments, quotes and statement boundaries. It never changes a statement.
 */
import { ExactlyOnceError } from '@exactly-once/core';

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

/**
 * Throws EO_TRANSACTION_OWNED for statements that end, nest or re-configure the transaction. `shared`: neighbours
 * run in it too, so that a setting of one would reach the others.
 */
export function assertAllowed(sql: string, shared: boolean): void {
  if (plain.test(sql) && !(shared && /set_config/i.test(sql))) return;
  for (const [first, second] of firstWords(sql)) {
    if (transactionWords.has(first) || (first === 'prepare' && second === 'transaction')) {
      throw owned(`${first} as text`, sql);
    }
    if (first === 'set' && (shared || second === 'transaction')) throw owned(`set ${second}`, sql);
    if (first === 'discard' || (first === 'reset' && shared)) throw owned(first, sql);
  }
  if (shared && /\bset_config\s*\(/i.test(sql)) throw owned('set_config()', sql);
}

function owned(what: string, sql: string): ExactlyOnceError {
  const text = sql.trim().slice(0, 80);
  return new ExactlyOnceError('EO_TRANSACTION_OWNED', `a handler ran ${what}`, {
    details: { statement: text },
  });
}

/** The first two words of each statement in the text, in lower case. */
function firstWords(sql: string): [string, string][] {
  const found: [string, string][] = [];
  let words: string[] = [];
  let at = 0;
  const finish = () => {
    if (words.length > 0) found.push([words[0] ?? '', words[1] ?? '']);
    words = [];
  };
  while (at < sql.length) {
    const skipped = skipNoise(sql, at);
    if (skipped > at) {
      at = skipped;
      continue;
    }
    if (sql[at] === ';') {
      finish();
      at++;
      continue;
    }
    const word = /^[a-z_][a-z0-9_$]*/i.exec(sql.slice(at, at + 64))?.[0];
    if (word === undefined) {
      at++;
      continue;
    }
    if (words.length < 2) words.push(word.toLowerCase());
    at += word.length;
  }
  finish();
  return found;
}

/** Index after white space, a comment or a quoted text that begins at `at`; `at` itself where none does. */
function skipNoise(sql: string, at: number): number {
  const rest = sql.slice(at, at + 2);
  if (/\s/.test(rest[0] ?? '')) return at + 1;
  if (rest === '--') return after(sql, '\n', at);
  if (rest === '/*') return skipBlockComment(sql, at);
  if (rest[0] === "'") return skipQuoted(sql, at, "'", /[eE]/.test(sql[at - 1] ?? ''));
  if (rest[0] === '"') return skipQuoted(sql, at, '"', false);
  if (rest[0] === '$') {
    const tag = /^\$(?:[a-z_][a-z0-9_]*)?\$/i.exec(sql.slice(at, at + 66))?.[0];
    if (tag !== undefined) return after(sql, tag, at + tag.length);
  }
  return at;
}

function after(sql: string, end: string, from: number): number {
  const index = sql.indexOf(end, from);
  return index === -1 ? sql.length : index + end.length;
}

function skipBlockComment(sql: string, at: number): number {
  let depth = 0;
  for (let i = at; i < sql.length; i++) {
    const two = sql.slice(i, i + 2);
    if (two === '/*') depth++;
    if (two === '*/') depth--;
    if (two === '/*' || two === '*/') i++;
    if (depth === 0) return i + 1;
  }
  return sql.length;
}

function skipQuoted(sql: string, at: number, quote: string, backslashes: boolean): number {
  for (let i = at + 1; i < sql.length; i++) {
    if (backslashes && sql[i] === '\\') i++;
    else if (sql[i] === quote && sql[i + 1] === quote) i++;
    else if (sql[i] === quote) return i + 1;
  }
  return sql.length;
}
