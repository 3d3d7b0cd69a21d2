/**
 * Classes of the user's project: finds one by its name, and reads what fields an event has and which values its rules
 * take, so that a generated spec can make one.
 *
 * Reads only. A value that nobody can guess is left to the user, visibly.
 */
import ts from 'typescript';
import { folderOf, join, sourcesBelow, type Tree, textOf } from '../project/tree.js';
import { decoratorCall, SourceEdit } from './source-edit.js';

export interface FoundClass {
  readonly name: string;
  readonly path: string;
  readonly declaration: ts.ClassDeclaration;
}

/** An exported class with this decorator; the case of letters does not count, for the Nest CLI does not keep it. */
export function findClass(
  tree: Tree,
  folder: string,
  name: string,
  decorator: string,
): FoundClass | undefined {
  for (const path of sourcesBelow(tree, folder)) {
    const text = textOf(tree, path) ?? '';
    if (!text.includes(`@${decorator}`) || !text.toLowerCase().includes(name.toLowerCase())) continue;
    const found = new SourceEdit(path, text).source.statements
      .filter(ts.isClassDeclaration)
      .find(
        (one) =>
          one.name?.text.toLowerCase() === name.toLowerCase() && decoratorCall(one, decorator) !== undefined,
      );
    if (found !== undefined) return { name: found.name!.text, path, declaration: found };
  }
  return undefined;
}

/** The nearest `*.module.ts`, from a folder upwards. */
export function nearestModule(tree: Tree, folder: string): string | undefined {
  const name = tree.getDir(folder).subfiles.find((file) => file.endsWith('.module.ts'));
  if (name !== undefined) return join(folder, name);
  return folder === '' ? undefined : nearestModule(tree, folderOf(folder));
}

/** An expression that makes an instance which its own rules accept. */
export function sampleOf({ name, declaration }: FoundClass): string {
  const fields = fieldsOf(declaration).map(([field, value]) => `  ${field}: ${value},\n`);
  const hasParameters = declaration.members.some(
    (one) => ts.isConstructorDeclaration(one) && one.parameters.length > 0,
  );
  const made = hasParameters ? `Object.create(${name}.prototype) as ${name}` : `new ${name}()`;
  return fields.length === 0 ? made : `Object.assign(${made}, {\n${fields.join('')}})`;
}

/** Names of an event's fields, of its constructor's too. */
export function fieldNames(declaration: ts.ClassDeclaration): string[] {
  return fieldsOf(declaration).map(([field]) => field);
}

/** The first field, as `--fields` writes it, for an event that is caused by this one; `undefined` where it has none. */
export function keyField({ declaration }: FoundClass): string | undefined {
  const [key] = fieldsOf(declaration);
  if (key === undefined) return undefined;
  const [name, value] = key;
  if (value === `'${sampleUuid}'`) return `${name}:uuid`;
  return /^-?\d+$/.test(value) ? `${name}:int` : `${name}:string`;
}

type Field = readonly [name: string, value: string];

function fieldsOf(declaration: ts.ClassDeclaration): Field[] {
  const found: Field[] = [];
  for (const member of declaration.members) {
    if (ts.isPropertyDeclaration(member) && !isStatic(member) && ts.isIdentifier(member.name)) {
      if (member.questionToken === undefined) found.push([member.name.text, sampleFor(member, member.type)]);
    }
    if (!ts.isConstructorDeclaration(member)) continue;
    for (const parameter of member.parameters) {
      if (ts.isParameterPropertyDeclaration(parameter, member) && ts.isIdentifier(parameter.name)) {
        found.push([parameter.name.text, sampleFor(parameter, parameter.type)]);
      }
    }
  }
  return found;
}

function isStatic(member: ts.PropertyDeclaration): boolean {
  return member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword) ?? false;
}

export const sampleUuid = '5f0c7b5e-2a4d-4c57-9d0e-8a1f4b6c3d21';

/** By the rules of class-validator, else by the type. */
function sampleFor(node: ts.Node, type: ts.TypeNode | undefined): string {
  const rule = (name: string) => decoratorCall(node, name);
  if (rule('IsUUID')) return `'${sampleUuid}'`;
  if (rule('IsEmail')) return "'ada@example.com'";
  if (rule('IsDateString') || rule('IsISO8601')) return "'2026-01-31T12:00:00.000Z'";
  const least = rule('Min')?.arguments[0]?.getText();
  if (least !== undefined) return least;
  if (rule('IsInt') || rule('IsNumber') || rule('IsPositive')) return '1';
  const word = type?.getText() ?? '';
  if (rule('IsString') || word === 'string') return "'text'";
  if (rule('IsBoolean') || word === 'boolean') return 'true';
  if (word === 'number') return '1';
  if (word.endsWith('[]')) return '[]';
  if (word === 'Date') return "new Date('2026-01-31T12:00:00.000Z')";
  return `undefined as never /* TODO: a valid value of ${word === '' ? 'this field' : word.replace(/\s+/g, ' ')} */`;
}
