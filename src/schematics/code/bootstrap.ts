/**
 * `main.ts`: finds the application that it makes, and connects the strategy to it before it listens.
 *
 * A program whose shape it does not know is left alone; then the lines to add are told instead.
 */
import ts from 'typescript';
import { addImport } from './imports.js';
import { callsOf, nodesOf, type SourceEdit } from './source-edit.js';

/** The class that `NestFactory.create` is given. */
export function rootModuleOf(source: ts.SourceFile): string | undefined {
  const calls = [
    ...callsOf(source, 'NestFactory.create'),
    ...callsOf(source, 'NestFactory.createMicroservice'),
  ];
  const given = calls[0]?.arguments[0];
  return given !== undefined && ts.isIdentifier(given) ? given.text : undefined;
}

export const linesByHand = (app: string): string[] => [
  `${app}.connectMicroservice(exactlyOnce(), { inheritAppConfig: true });`,
  `${app}.enableShutdownHooks();`,
  `await ${app}.startAllMicroservices();`,
];

/** `false` where nobody can tell where the lines belong. */
export function connectStrategy(edit: SourceEdit): boolean {
  if (callsOf(edit.source, 'exactlyOnce').length > 0) return true;
  const app = applicationIn(edit.source);
  if (app === undefined) return false;
  const [before] = ['init', 'startAllMicroservices', 'listen']
    .map((method) => statementOf(edit.source, `${app}.${method}`))
    .filter((statement) => statement !== undefined)
    .sort((a, b) => a.pos - b.pos);
  if (before === undefined) return false;
  const lines = linesByHand(app).filter((line) => {
    const called = /^(?:await )?(\w+\.\w+)/.exec(line)![1]!;
    return called.endsWith('.connectMicroservice') || callsOf(edit.source, called).length === 0;
  });
  const indent = edit.indentOf(before);
  edit.insert(before.getStart(edit.source), lines.map((line) => `${line}\n${indent}`).join(''));
  addImport(edit, ['exactlyOnce'], '@exactly-once/nestjs');
  return true;
}

/** The variable that holds what `await NestFactory.create(…)` gives. */
function applicationIn(source: ts.SourceFile): string | undefined {
  for (const node of nodesOf(source)) {
    if (!ts.isVariableDeclaration(node) || !ts.isIdentifier(node.name)) continue;
    const value =
      node.initializer !== undefined && ts.isAwaitExpression(node.initializer)
        ? node.initializer.expression
        : undefined;
    if (value === undefined || !ts.isCallExpression(value)) continue;
    if (value.expression.getText(source) === 'NestFactory.create') return node.name.text;
  }
  return undefined;
}

/** The whole statement in which a function is called first. */
function statementOf(source: ts.SourceFile, callee: string): ts.Statement | undefined {
  let node: ts.Node | undefined = callsOf(source, callee)[0];
  while (node !== undefined && !(ts.isStatement(node) && isInBlock(node))) node = node.parent;
  return node as ts.Statement | undefined;
}

function isInBlock({ parent }: ts.Node): boolean {
  return ts.isBlock(parent) || ts.isSourceFile(parent);
}
