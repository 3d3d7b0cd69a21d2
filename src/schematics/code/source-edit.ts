/**
 * Changes to one file of TypeScript, at places that its syntax tree names. The rest of the file stays as it is, to the
 * last blank.
 *
 * Never searches by regular expressions: a comment or a text that looks like code is none.
 */
import ts from 'typescript';

interface Change {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

export class SourceEdit {
  readonly source: ts.SourceFile;
  readonly #changes: Change[] = [];

  constructor(
    readonly path: string,
    readonly text: string,
  ) {
    this.source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  }

  get isChanged(): boolean {
    return this.#changes.length > 0;
  }

  /** Insertions at one place keep the order of the calls. */
  insert(at: number, text: string): void {
    this.replace(at, at, text);
  }

  replace(from: number, to: number, text: string): void {
    this.#changes.push({ from, to, text });
  }

  result(): string {
    const inOrder = this.#changes
      .map((change, index) => ({ ...change, index }))
      .sort((a, b) => b.from - a.from || b.index - a.index);
    const text = inOrder.reduce(
      (result, { from, to, text }) => result.slice(0, from) + text + result.slice(to),
      this.text,
    );
    return this.text.includes('\r\n') ? text.replace(/\r?\n/g, '\r\n') : text;
  }

  /** The blanks in front of a node's line. */
  indentOf(node: ts.Node): string {
    const start = node.getStart(this.source);
    const line = this.text.lastIndexOf('\n', start - 1) + 1;
    return /^[ \t]*/.exec(this.text.slice(line))![0];
  }
}

export function* nodesOf(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    children.push(child);
  });
  for (const child of children) yield* nodesOf(child);
}

/** The call of a decorator with this name, as `@Module({ … })`. */
export function decoratorCall(node: ts.Node, name: string): ts.CallExpression | undefined {
  const decorators = ts.canHaveDecorators(node) ? (ts.getDecorators(node) ?? []) : [];
  return decorators
    .map(({ expression }) => expression)
    .filter(ts.isCallExpression)
    .find(({ expression }) => expression.getText() === name);
}

/** The calls of `X.y(…)` in a file. */
export function callsOf(source: ts.SourceFile, callee: string): ts.CallExpression[] {
  return [...nodesOf(source)]
    .filter(ts.isCallExpression)
    .filter(({ expression }) => expression.getText(source) === callee);
}

/** Each line but the first, and no blank one, moved to the right. */
export function indented(text: string, indent: string): string {
  return text.replace(/\n(?=.)/g, `\n${indent}`);
}
