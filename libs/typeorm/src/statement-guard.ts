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
/** How many words of each statement are looked at. */
const wordsRead = 3;
/** Nothing to look at: one ordinary statement. */
const plain = /^\s*(?:insert|update|delete|select|with)\b[^;]*$/i;
const setConfig = /set_config/i;

/**
 * Throws EO_TRANSACTION_OWNED for statements that end, nest or re-configure the transaction. `shared`: neighbours
 * run in it too, so that a setting of one would reach the others.
 */
export function assertAllowed(sql: string, shared: boolean): void {
  const mayConfigure = shared && setConfig.test(sql);
  if (plain.test(sql) && !mayConfigure) return;
  const { statements, names } = read(sql);
  for (const [first = '', second = '', third = ''] of statements) {
    if (transactionWords.has(first)) throw owned(`${first.toUpperCase()} as text`, sql);
    if (first === 'prepare' && second === 'transaction') throw owned('PREPARE TRANSACTION', sql);
    if (first === 'set' && (second === 'transaction' || third === 'characteristics')) {
      throw owned('SET TRANSACTION', sql);
    }
    if (first === 'discard') throw owned('DISCARD', sql);
    if (shared && (first === 'set' || first === 'reset'))
      throw owned(`${first} ${second}`.toUpperCase(), sql);
  }
  if (mayConfigure && names.has('set_config')) throw owned('set_config()', sql);
}

function owned(what: string, sql: string): ExactlyOnceError {
  const text = sql.trim().slice(0, 80);
  return new ExactlyOnceError('EO_TRANSACTION_OWNED', `a handler ran ${what}`, {
    details: { statement: text },
  });
}

interface Reading {
  /** The first words of each statement, in lower case. */
  readonly statements: readonly string[][];
  /** All words and quoted identifiers outside of comments and literals, in lower case. */
  readonly names: ReadonlySet<string>;
}

// Letters beyond ASCII are part of identifiers; so is a dollar sign, except at the beginning.
const word = /[a-z_\u0080-\uffff][a-z0-9_$\u0080-\uffff]*/iy;
const dollarTag = /\$(?:[a-z_\u0080-\uffff][a-z0-9_\u0080-\uffff]*)?\$/iy;
const number = /[0-9][a-z0-9_.]*/iy;
const lineEnd = /[\r\n]/g;

function read(sql: string): Reading {
  const statements: string[][] = [[]];
  const names = new Set<string>();
  let at = 0;
  let before = '';
  while (at < sql.length) {
    const found = matchAt(word, sql, at);
    if (found !== null) {
      before = found.toLowerCase();
      names.add(before);
      const words = statements.at(-1)!;
      if (words.length < wordsRead) words.push(before);
      at += found.length;
      continue;
    }
    if (sql[at] === ';') statements.push([]);
    const next = afterToken(sql, at, before === 'e');
    if (sql[at] === '"') names.add(sql.slice(at + 1, next - 1).toLowerCase());
    before = '';
    at = next;
  }
  return { statements: statements.filter(({ length }) => length > 0), names };
}

/** Index after whatever begins at `at`: a comment, a literal, a quoted identifier, a number or one character. */
function afterToken(sql: string, at: number, escapes: boolean): number {
  const two = sql.slice(at, at + 2);
  if (two === '--') return afterLine(sql, at);
  if (two === '/*') return afterBlockComment(sql, at);
  if (two[0] === "'") return afterQuoted(sql, at, "'", escapes);
  if (two[0] === '"') return afterQuoted(sql, at, '"', false);
  const tag = matchAt(dollarTag, sql, at);
  if (tag !== null) return after(sql, tag, at + tag.length);
  return at + (matchAt(number, sql, at)?.length ?? 1);
}

function matchAt(pattern: RegExp, sql: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0] ?? null;
}

function after(sql: string, end: string, from: number): number {
  const index = sql.indexOf(end, from);
  return index === -1 ? sql.length : index + end.length;
}

function afterLine(sql: string, at: number): number {
  lineEnd.lastIndex = at;
  const end = lineEnd.exec(sql);
  return end === null ? sql.length : end.index + 1;
}

/** They nest. */
function afterBlockComment(sql: string, at: number): number {
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

function afterQuoted(sql: string, at: number, quote: string, backslashes: boolean): number {
  for (let i = at + 1; i < sql.length; i++) {
    if (backslashes && sql[i] === '\\') i++;
    else if (sql[i] === quote && sql[i + 1] === quote) i++;
    else if (sql[i] === quote) return i + 1;
  }
  return sql.length;
}
