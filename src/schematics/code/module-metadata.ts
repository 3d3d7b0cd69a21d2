/**
 * The arrays of `@Module({ imports, controllers, providers })`: puts an element in, where it is not there yet.
 *
 * A list that is no array literal (a variable, a call) is left alone, with an error that says what to add by hand.
 */
import ts from 'typescript';
import { decoratorCall, indented, type SourceEdit } from './source-edit.js';

type List = 'imports' | 'controllers' | 'providers';

export interface NestModule {
  readonly name: string;
  readonly metadata: ts.CallExpression;
}

/** The first class with `@Module` in a file. */
export function moduleIn({ source, path }: SourceEdit): NestModule {
  for (const node of source.statements.filter(ts.isClassDeclaration)) {
    const metadata = decoratorCall(node, 'Module');
    if (metadata !== undefined && node.name !== undefined) return { name: node.name.text, metadata };
  }
  throw new Error(
    `${path} has no class with @Module. Name the module's file by --module. Nothing was changed.`,
  );
}

/** Each text is an element as it stands at the beginning of a line; its own lines are indented from there. */
export function addToModule(edit: SourceEdit, list: List, ...texts: readonly string[]): void {
  const { name, metadata } = moduleIn(edit);
  const [object] = metadata.arguments;
  if (object === undefined) {
    edit.insert(
      metadata.end - 1,
      `{\n  ${list}: [\n    ${texts.map((text) => `${indented(text, '    ')},\n`).join('    ')}  ],\n}`,
    );
    return;
  }
  if (!ts.isObjectLiteralExpression(object)) throw byHand(edit.path, name, list, texts);
  const property = object.properties.find(
    (one) => one.name?.getText(edit.source).replace(/['"]/g, '') === list,
  );
  if (property === undefined) {
    if (object.properties.some(ts.isSpreadAssignment)) throw byHand(edit.path, name, list, texts);
    addList(edit, object, list, texts);
    return;
  }
  if (!ts.isPropertyAssignment(property) || !ts.isArrayLiteralExpression(property.initializer)) {
    throw byHand(edit.path, name, list, texts);
  }
  addElements(edit, property.initializer, texts);
}

/** To the end of an array literal; what it has already is not added. */
export function addElements(
  edit: SourceEdit,
  array: ts.ArrayLiteralExpression,
  texts: readonly string[],
): void {
  const known = array.elements.map((element) => element.getText(edit.source));
  const missing = texts.filter((text) => !known.includes(text));
  if (missing.length === 0) return;
  const { elements } = array;
  const last = elements.at(-1);
  const isLong = /\n/.test(array.getText(edit.source));
  if (last !== undefined && isLong) {
    const indent = edit.indentOf(last);
    const rows = missing.map((text) => `\n${indent}${indented(text, indent)}`);
    if (elements.hasTrailingComma)
      edit.insert(endOfLine(edit, elements.end), rows.map((row) => `${row},`).join(''));
    else edit.insert(last.end, rows.map((row) => `,${row}`).join(''));
    return;
  }
  const line = [...known, ...missing].join(', ');
  const room = 80 - edit.indentOf(array).length - 'controllers: [],'.length;
  if (!line.includes('\n') && line.length <= room) {
    edit.replace(array.getStart(edit.source), array.end, `[${line}]`);
    return;
  }
  const indent = `${edit.indentOf(array)}  `;
  const rows = [...known, ...missing].map((text) => `${indent}${indented(text, indent)},\n`).join('');
  edit.replace(array.getStart(edit.source), array.end, `[\n${rows}${edit.indentOf(array)}]`);
}

/** Behind the comments that stand on the line of what ends here. */
function endOfLine({ text }: SourceEdit, end: number): number {
  return ts.getTrailingCommentRanges(text, end)?.at(-1)?.end ?? end;
}

function addList(
  edit: SourceEdit,
  object: ts.ObjectLiteralExpression,
  list: List,
  texts: readonly string[],
): void {
  const rows = texts.map((text) => `\n    ${indented(text, '    ')},`).join('');
  const isLong = rows.length > 60 || rows.trim().includes('\n');
  const entry = isLong ? `${list}: [${rows}\n  ]` : `${list}: [${texts.join(', ')}]`;
  const last = object.properties.at(-1);
  if (last === undefined) edit.replace(object.getStart(edit.source), object.end, `{\n  ${entry},\n}`);
  else if (/\n/.test(object.getText(edit.source))) edit.insert(last.end, `,\n${edit.indentOf(last)}${entry}`);
  else edit.insert(last.end, `, ${entry}`);
}

function byHand(path: string, module: string, list: List, texts: readonly string[]): Error {
  return new Error(
    `${path}: \`${list}\` of ${module} is no array literal, so nothing could be added to it. Nothing was changed. ` +
      `Add by hand: ${texts.join(', ')}; or make it an array literal and run this again.`,
  );
}
