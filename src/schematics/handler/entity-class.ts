/**
 * The TypeORM entity that a generated handler writes: the project's own, else a new one with a column for the event's key.
 * It has no unique constraint on that: that there is one row for each event is the inbox's doing, and the spec shows it.
 */
import { type FoundClass, fieldNames, findClass } from '../code/classes.js';
import { createFile } from '../code/write.js';
import { kebab } from '../project/names.js';
import type { Project } from '../project/project.js';
import { join } from '../project/tree.js';

/** `columns`: what the new row takes over from the event. */
export async function ensureEntity(
  project: Project,
  folder: string,
  className: string,
  event: FoundClass,
): Promise<FoundClass> {
  const known = findClass(project.tree, project.sourceRoot, className, 'Entity');
  if (known !== undefined) return known;
  await createFile(
    project.tree,
    join(folder, `${kebab(className)}.entity.ts`),
    entityText(className, columnsOf(event)),
  );
  return findClass(project.tree, project.sourceRoot, className, 'Entity')!;
}

/** The fields that an event and an entity share, by name. */
export function sharedFields(event: FoundClass, entity: FoundClass): string[] {
  const columns = fieldNames(entity.declaration);
  return fieldNames(event.declaration).filter((field) => field !== 'id' && columns.includes(field));
}

function columnsOf(event: FoundClass): [name: string, type: string][] {
  return event.declaration.members.flatMap((member) => {
    const name = member.name?.getText();
    const text = member.getText();
    if (name === undefined || name === 'id' || !/[!:]/.test(text)) return [];
    return fieldNames(event.declaration).includes(name) ? [[name, typeIn(text)] as [string, string]] : [];
  });
}

function typeIn(member: string): string {
  return /:\s*(string|number|boolean)\s*;?$/.exec(member)?.[1] ?? 'string';
}

function entityText(className: string, columns: readonly [name: string, type: string][]): string {
  const members = columns.map(([name, type]) => `\n  @Column()\n  ${name}!: ${type};\n`).join('');
  return `import { ${columns.length === 0 ? '' : 'Column, '}Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
export class ${className} {
  @PrimaryGeneratedColumn()
  id!: number;
${members}}
`;
}
