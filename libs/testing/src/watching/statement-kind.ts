/**
 * Tells from a statement's text whether it writes, and which table. A guess from its words: what functions do is not
 * seen.
 */
const writingWords =
  /^(insert|update|delete|merge|truncate|create|alter|drop|copy|refresh|grant|revoke|call|do)\b/i;
const selectInto = /^(select|with)\b[\s\S]*\binto\b/i;
/** A text, a quoted name, a text between dollars, a comment. */
const opaque = /('(?:[^']|'')*')|("(?:[^"]|"")*")|\$(\w*)\$[\s\S]*?\$\3\$|--[^\n]*|\/\*[\s\S]*?\*\//g;
const writingWith = /^with\b[\s\S]*\b(insert\s+into|update\s+\S+\s+set|delete\s+from|merge\s+into)\b/i;
const target =
  /\b(?:insert\s+into|merge\s+into|update(?:\s+only)?|delete\s+from(?:\s+only)?|truncate(?:\s+table)?|copy)\s+((?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))?)/i;

export function isWrite(sql: string): boolean {
  return statementsOf(sql).some(
    (one) => writingWords.test(one) || writingWith.test(one) || selectInto.test(one),
  );
}

/** Without quotes and without its schema; `null` where none is found. */
export function writtenTable(sql: string): string | null {
  const name = target.exec(without(sql, 'texts'))?.[1];
  if (name === undefined) return null;
  return name.split('.').at(-1)!.replaceAll('"', '');
}

/** For messages: one line, not too long. */
export function shortened(sql: string): string {
  const text = without(sql, 'comments').replace(/\s+/g, ' ');
  return text.length > 90 ? `${text.slice(0, 90)}…` : text;
}

/** Each by itself, with nothing in it that could be taken for its words. */
function statementsOf(sql: string): string[] {
  return without(sql, 'texts and names')
    .split(';')
    .map((one) => one.trim());
}

/** Comments always go; a text or a name leaves an empty one. */
function without(sql: string, what: 'comments' | 'texts' | 'texts and names'): string {
  const plain = sql.replace(opaque, (whole: string, text?: string, name?: string, tag?: string) => {
    if (name !== undefined) return what === 'texts and names' ? '"name"' : whole;
    if (text !== undefined || tag !== undefined) return what === 'comments' ? whole : "''";
    return ' ';
  });
  return plain.trim();
}
