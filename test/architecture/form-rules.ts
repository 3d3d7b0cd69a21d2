/**
 * The rules about a file's form: its size, its functions' size, its first comment, its name, its exports,
 * and where SQL stands. STYLE says why; an exemption is a line in the spec, with its reason.
 */
import ts from 'typescript';
import { lineOf, nodesOf, parse, type Rule } from './rule.js';
import { isSpec, isTest } from './source-files.js';

const maxFileLines = 300;
const maxFunctionLines = 60;
const headerLines = { least: 2, most: 6 };

export const fileSize: Rule = ({ text }) => {
  const lines = text.replace(/\n$/, '').split('\n').length;
  return lines > maxFileLines ? [`${lines} lines, ${maxFileLines} at most`] : [];
};

/** The callback of `describe`, and a function named `describe…` that holds tests, is a chapter, not a function. */
export const functionSize: Rule = (file) => {
  const source = parse(file);
  return [...nodesOf(source)].filter(isFunctionWithBody).flatMap((node) => {
    const from = lineOf(source, node.getStart(source));
    const lines = lineOf(source, node.end) - from + 1;
    if (lines <= maxFunctionLines || isChapter(node)) return [];
    return [`function at line ${from} has ${lines} lines, ${maxFunctionLines} at most`];
  });
};

/** Two to six lines of text, before anything else but `#!`. A spec's titles speak for it. */
export const header: Rule = (file) => {
  if (isSpec(file)) return [];
  const comment = /^(?:#!.*\n)?\/\*\*([\s\S]*?)\*\//.exec(file.text)?.[1];
  if (comment === undefined) return ['does not open with what it is for'];
  const lines = comment.split('\n').filter((line) => /[^\s*]/.test(line)).length;
  const { least, most } = headerLines;
  return lines < least || lines > most ? [`opens with ${lines} lines, ${least} to ${most} are due`] : [];
};

export const names: Rule = ({ path }) =>
  /(^|[/.-])(utils?|helpers?|common|types|interfaces|constants)(\/|\.[cm]?ts$)/i.test(path)
    ? ['is named for a heap, not for what it holds']
    : [];

export const noStarExports: Rule = (file) =>
  parse(file).statements.some(
    (one) =>
      ts.isExportDeclaration(one) &&
      (one.exportClause === undefined || ts.isNamespaceExport(one.exportClause)),
  )
    ? ['exports everything of another file']
    : [];

/**
 * How statements begin; the words that control a transaction are free. The first line is English too, so it
 * counts in capitals only.
 */
const sqlTexts = [
  /^\s*(SELECT|TRUNCATE|SAVEPOINT|ROLLBACK TO|RELEASE SAVEPOINT|LISTEN|NOTIFY)\s/,
  /^\s*(select\s[\s\S]*\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\()/i,
  /^\s*((create|alter|drop)\s+(unique\s+)?(table|index|schema|type|function|sequence)\s)/i,
  /^\s*(lock\s+table\s|set\s+local\s)/i,
];

/** A text that begins as a statement of SQL, outside of the files that are for it. A guess, from its first words. */
export const sqlInItsPlace: Rule = (file) => {
  if (isTest(file) || file.path.endsWith('.sql.ts') || file.path.includes('/migrations/')) return [];
  return [...nodesOf(parse(file))].flatMap((node) => {
    const text = textOf(node);
    if (text === null || !sqlTexts.some((one) => one.test(text))) return [];
    return [`SQL outside of *.sql.ts: ${text.trim().slice(0, 40)}`];
  });
};

function textOf(node: ts.Node): string | null {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return null;
  return node.head.text + node.templateSpans.map(({ literal }) => `x${literal.text}`).join('');
}

function isFunctionWithBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

function isChapter(node: ts.FunctionLikeDeclaration): boolean {
  const { parent, name } = node;
  if (name !== undefined && /^describe[A-Z]/.test(name.getText())) return true;
  return ts.isCallExpression(parent) && /^describe\b/.test(parent.expression.getText());
}
