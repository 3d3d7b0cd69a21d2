/**
 * What a rule of the house is: a function from one source file to what is wrong with it, in words.
 * The spec applies each to the tree, and to a planted file that it must find.
 */
import ts from 'typescript';
import type { SourceFile } from './source-files.js';

export type Rule = (file: SourceFile) => string[];

export function parse({ path, text }: SourceFile): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
}

/** Every node of a file, parents before their children. */
export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    children.push(child);
  });
  for (const child of children) yield* nodesOf(child);
}

export function lineOf(source: ts.SourceFile, position: number): number {
  return source.getLineAndCharacterOfPosition(position).line + 1;
}
