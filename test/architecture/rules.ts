/**
 * The rules of the house, each a function from a source file to what is wrong with it. Shown red in the spec.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { isTest, type SourceFile } from './source-files.js';

export type Rule = (file: SourceFile) => string[];

const maxFileLines = 300;
const maxFunctionLines = 60;
const forbiddenNames = /(^|\/)(utils?|helpers?|common|types|interfaces|constants)(\/|\.ts$)/;

export const fileSize: Rule = ({ text }) => {
  const lines = text.split('\n').length - 1;
  return lines > maxFileLines ? [`${lines} lines, ${maxFileLines} at most`] : [];
};

export const functionSize: Rule = (file) => {
  if (file.path.endsWith('spec.ts')) return []; // `describe` is a chapter, not a function
  const source = parse(file);
  const found: string[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const from = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const lines = source.getLineAndCharacterOfPosition(node.end).line - from + 1;
      if (lines > maxFunctionLines)
        found.push(`function at line ${from + 1} has ${lines} lines, ${maxFunctionLines} at most`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
};

export const header: Rule = (file) => {
  if (file.path.endsWith('spec.ts')) return [];
  const match = /^(?:#!.*\n)?\/\*\*([\s\S]*?)\*\//.exec(file.text);
  return match === null ? ['does not open with what it is for'] : [];
};

export const names: Rule = ({ path }) => {
  return forbiddenNames.test(path) ? ['is named for a heap, not for what it holds'] : [];
};

export const noStarExports: Rule = (file) => {
  return parse(file).statements.some((one) => ts.isExportDeclaration(one) && one.exportClause === undefined)
    ? ['exports everything of another file']
    : [];
};

/** A statement of SQL in a text, outside of the files that are for it. */
const sqlText =
  /^\s*(SELECT\b|INSERT INTO\b|UPDATE \S+ SET\b|DELETE FROM\b|CREATE (TABLE|INDEX|UNIQUE)\b|ALTER TABLE\b|LOCK TABLE\b|WITH \w+ AS\b)/;

export const sqlInItsPlace: Rule = (file) => {
  if (isTest(file) || file.path.endsWith('.sql.ts') || file.path.includes('/migrations/')) return [];
  const found: string[] = [];
  const visit = (node: ts.Node) => {
    const text = ts.isStringLiteralLike(node)
      ? node.text
      : ts.isTemplateExpression(node)
        ? node.head.text
        : null;
    if (text !== null && sqlText.test(text))
      found.push(`SQL outside of *.sql.ts: ${text.trim().slice(0, 40)}`);
    ts.forEachChild(node, visit);
  };
  visit(parse(file));
  return found;
};

/** What each package may import; `core` names the zero-dependency packages that stand in for code of our own. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'libs/core': ['lru-cache', 'uuid', 'leven'],
  'libs/typeorm': ['@exactly-once/core', 'typeorm', 'pg'],
  'libs/kafka': ['@exactly-once/core', 'kafkajs'],
  'libs/nestjs': [
    '@exactly-once/core',
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/microservices',
    '@opentelemetry/api',
    'class-transformer',
    'class-validator',
    'reflect-metadata',
    'rxjs',
  ],
  'libs/testing': ['@exactly-once/core'],
};

export const dependencyLaw: Rule = (file) => {
  if (file.path.endsWith('spec.ts')) return [];
  const lib = /^libs\/[^/]+/.exec(file.path)?.[0];
  return imports(file).flatMap((name) => {
    const found: string[] = [];
    if (lib !== undefined && !allowed[lib]?.includes(packageOf(name))) found.push(`imports ${name}`);
    if (file.path.startsWith('apps/') && packageOf(name) === '@exactly-once/testing')
      found.push(`imports ${name}`);
    if (/^@exactly-once\/[^/]+\//.test(name)) found.push(`reaches into ${name}`);
    return found;
  });
};

/** TypeScript compiles an undeclared import of a hoisted package clean; a user's installation would not. */
export const declaredDependencies: Rule = (file) => {
  if (isTest(file)) return [];
  const folder = /^(libs|apps)\/[^/]+/.exec(file.path)?.[0] ?? '.';
  const declared = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  const known = new Set(
    ['dependencies', 'peerDependencies'].flatMap((part) => Object.keys(declared[part] ?? {})),
  );
  return imports(file)
    .filter((name) => !known.has(packageOf(name)))
    .map((name) => `imports ${name}, which ${folder}/package.json does not declare`);
};

/** Names of packages that a file imports, without relative ones and Node's own. */
function imports(file: SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node) => {
    const given =
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : undefined;
    if (given !== undefined && ts.isStringLiteralLike(given) && !/^(\.|node:)/.test(given.text))
      found.push(given.text);
    ts.forEachChild(node, visit);
  };
  visit(parse(file));
  return found;
}

function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

function parse({ path, text }: SourceFile): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
}
