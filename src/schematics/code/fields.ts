/**
 * The fields of an event or an entity, inherited ones too: their names, which values their rules take, so that a generated
 * spec can make one, and which column keeps them.
 *
 * A value that nobody can guess is left to the user, visibly.
 */
import ts from 'typescript';
import type { FoundClass } from './classes.js';
import { decoratorCall } from './source-edit.js';

export type ColumnType = 'string' | 'boolean' | 'integer' | 'double precision';

export interface Field {
  readonly name: string;
  /** An expression. */
  readonly sample: string;
  /** `null` where no simple column keeps it. */
  readonly column: ColumnType | null;
}

export const sampleUuid = '5f0c7b5e-2a4d-4c57-9d0e-8a1f4b6c3d21';

/** Of a class and those that it extends; optional ones are left out. */
export function fieldsOf({ declaration, bases }: FoundClass): Field[] {
  const fields = new Map<string, Field>();
  for (const one of [...bases].reverse().concat(declaration))
    for (const field of ownFields(one)) fields.set(field.name, field);
  return [...fields.values()];
}

/** An expression that makes an instance which its own rules accept. */
export function sampleOf(found: FoundClass): string {
  const { name, declaration, bases, unknownBase } = found;
  const inherited = unknownBase === null ? '' : `  // TODO: what it inherits of ${oneLine(unknownBase)}\n`;
  const lines = fieldsOf(found).map((field) => `  ${field.name}: ${field.sample},\n`);
  const constructed = [declaration, ...bases].find((one) => one.members.some(ts.isConstructorDeclaration));
  const hasParameters = constructed?.members.some(
    (one) => ts.isConstructorDeclaration(one) && one.parameters.length > 0,
  );
  const made = hasParameters ? `Object.create(${name}.prototype) as ${name}` : `new ${name}()`;
  const body = `${lines.join('')}${inherited}`;
  return body === '' ? made : `Object.assign(${made}, {\n${body}})`;
}

/** The first field, as `--fields` writes it, for an event that is caused by this one; `undefined` where it has none. */
export function keyField(found: FoundClass): string | undefined {
  const [key] = fieldsOf(found);
  if (key === undefined) return undefined;
  if (key.sample === `'${sampleUuid}'`) return `${key.name}:uuid`;
  return `${key.name}:${key.column === 'integer' ? 'int' : key.column === 'double precision' ? 'number' : 'string'}`;
}

function ownFields(declaration: ts.ClassDeclaration): Field[] {
  return declaration.members.flatMap((member) => {
    if (ts.isPropertyDeclaration(member)) {
      const isField = member.questionToken === undefined && !isStatic(member) && ts.isIdentifier(member.name);
      return isField ? [fieldOf(member, member.name.getText())] : [];
    }
    if (!ts.isConstructorDeclaration(member)) return [];
    return member.parameters
      .filter((one) => ts.isParameterPropertyDeclaration(one, member) && ts.isIdentifier(one.name))
      .map((one) => fieldOf(one, one.name.getText()));
  });
}

function isStatic(member: ts.PropertyDeclaration): boolean {
  return member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) ?? false;
}

type FieldNode = ts.PropertyDeclaration | ts.ParameterDeclaration;

function fieldOf(node: FieldNode, name: string): Field {
  const doubt = doubtAbout(node);
  const value = sampleFor(node);
  const sample = doubt === '' || value.includes('TODO') ? value : `${value} /* TODO: as ${doubt} wants it */`;
  return { name, sample, column: columnFor(node) };
}

function columnFor(node: FieldNode): ColumnType | null {
  switch (node.type?.kind) {
    case ts.SyntaxKind.StringKeyword:
      return 'string';
    case ts.SyntaxKind.BooleanKeyword:
      return 'boolean';
    case ts.SyntaxKind.NumberKeyword:
      return decoratorCall(node, 'IsInt') === undefined ? 'double precision' : 'integer';
    default:
      return null;
  }
}

/** What a sample takes into account, and what does not ask anything of it. */
const understood = new Set([
  ...['IsUUID', 'IsEmail', 'IsDateString', 'IsISO8601', 'IsInt', 'IsNumber', 'IsPositive', 'IsString'],
  ...[
    'IsBoolean',
    'IsDefined',
    'IsNotEmpty',
    'IsArray',
    'ArrayMaxSize',
    'ArrayUnique',
    'IsDate',
    'IsOptional',
  ],
  ...['Min', 'Max', 'Length', 'MinLength', 'MaxLength', 'IsIn'],
  ...['Type', 'Expose', 'ApiProperty', 'Column', 'PrimaryColumn', 'PrimaryGeneratedColumn'],
]);
const ofNumbers = ['Min', 'Max', 'Length', 'MinLength', 'MaxLength'];

/** The first rule of which nobody can say whether the sample keeps it; empty where there is none. */
function doubtAbout(node: FieldNode): string {
  const isList = isArray(node.type);
  const calls = (ts.getDecorators(node) ?? [])
    .map(({ expression }) => expression)
    .filter(ts.isCallExpression);
  const doubtful = calls.find((call) => {
    const name = call.expression.getText();
    if (isList && /each:\s*true/.test(call.getText())) return false; // of an empty list
    if (!understood.has(name)) return true;
    if (ofNumbers.includes(name)) return call.arguments.some((one) => ts.isIdentifier(one) || isMember(one));
    return name === 'IsIn' && firstChoice(call) === undefined;
  });
  return doubtful === undefined ? '' : `@${oneLine(doubtful.getText())}`.replaceAll('*/', '* /');
}

const isMember = (node: ts.Node) => ts.isPropertyAccessExpression(node);
const isArray = (type: ts.TypeNode | undefined) => /(\[\]|^Array<.*>)$/s.test(type?.getText() ?? '');
const oneLine = (text: string) => text.replace(/\s+/g, ' ');

function firstChoice(call: ts.CallExpression): string | undefined {
  const [list] = call.arguments;
  const first = list !== undefined && ts.isArrayLiteralExpression(list) ? list.elements[0] : undefined;
  const isPlain = first !== undefined && (ts.isStringLiteral(first) || ts.isNumericLiteral(first));
  return isPlain ? first.getText() : undefined;
}

/** By the rules of class-validator, else by the type. */
function sampleFor(node: FieldNode): string {
  if (isArray(node.type)) return '[]';
  const rule = (name: string) => decoratorCall(node, name);
  const choice = rule('IsIn');
  const chosen = choice === undefined ? undefined : firstChoice(choice);
  if (chosen !== undefined) return chosen;
  if (rule('IsUUID')) return `'${sampleUuid}'`;
  if (rule('IsEmail')) return "'ada@example.com'";
  if (rule('IsDateString') || rule('IsISO8601')) return "'2026-01-31T12:00:00.000Z'";
  const word = node.type?.getText() ?? '';
  const isNumber = ['IsInt', 'IsNumber', 'IsPositive', 'Min', 'Max'].some(rule);
  if (isNumber || word === 'number') return numberBetween(literal(rule('Min')), literal(rule('Max')));
  const isText = ['IsString', 'Length', 'MinLength', 'MaxLength'].some(rule);
  if (isText || word === 'string') {
    const length = rule('Length');
    const least = literal(length) ?? literal(rule('MinLength')) ?? 1;
    const most = literal(length, 1) ?? literal(rule('MaxLength')) ?? Math.max(least, 4);
    return `'${'text'.padEnd(least, 'x').slice(0, Math.max(most, 0))}'`;
  }
  if (rule('IsBoolean') || word === 'boolean') return 'true';
  if (word === 'Date') return "new Date('2026-01-31T12:00:00.000Z')";
  return `undefined as never /* TODO: a valid value of ${word === '' ? 'this field' : oneLine(word)} */`;
}

function literal(call: ts.CallExpression | undefined, at = 0): number | undefined {
  const text = call?.arguments[at]?.getText() ?? '';
  return /^-?[\d_.]+$/.test(text) ? Number(text.replaceAll('_', '')) : undefined;
}

function numberBetween(least: number | undefined, most = least ?? 1): string {
  return String(least ?? Math.min(1, most));
}
