/**
 * Reads SQL only as far as the guard needs: statement boundaries, words, comments and quotes. It never changes a
 * statement, and takes time in proportion to its length.
 */
export interface Statement {
  /** Its first words, in lower case. */
  readonly words: readonly string[];
  /**
   * Its tokens in lower case, a blank between them, without comments: a literal is `''`, a quoted identifier stands
   * without its quotes, and is one token whatever is in it.
   */
  readonly text: string;
}

/** How many words of each statement are looked at. */
const wordsRead = 6;

// Letters beyond ASCII are part of identifiers; so is a dollar sign, except at the beginning.
const word = /[a-z_\u0080-\uffff][a-z0-9_$\u0080-\uffff]*/iy;
const dollarTag = /\$(?:[a-z_\u0080-\uffff][a-z0-9_\u0080-\uffff]*)?\$/iy;
const number = /[0-9][a-z0-9_.]*/iy;
const lineEnd = /[\r\n]/g;

/** Those of a text that have any word. */
export function readStatements(sql: string): Statement[] {
  const statements: { words: string[]; tokens: string[] }[] = [{ words: [], tokens: [] }];
  let at = 0;
  let before = '';
  while (at < sql.length) {
    const { words, tokens } = statements.at(-1)!;
    const found = matchAt(word, sql, at);
    if (found !== null) {
      before = found.toLowerCase();
      tokens.push(before);
      if (words.length < wordsRead) words.push(before);
      at += found.length;
      continue;
    }
    const next = afterToken(sql, at, before === 'e');
    if (sql[at] === ';') statements.push({ words: [], tokens: [] });
    else tokens.push(...tokenOf(sql.slice(at, next)));
    before = '';
    at = next;
  }
  return statements
    .filter(({ words }) => words.length > 0)
    .map(({ words, tokens }) => ({ words, text: tokens.join(' ') }));
}

/** What is no word: none where it is a comment or a blank. */
function tokenOf(token: string): string[] {
  if (token.startsWith('--') || token.startsWith('/*') || token.trim() === '') return [];
  if (token.startsWith('"')) return [token.slice(1, -1).toLowerCase().replace(/\s/g, '_')];
  return /^['$]./s.test(token) ? ["''"] : [token];
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
