/**
 * The TypeORM entity that a generated handler writes: the project's own, else a new one with a column for each simple field
 * of the event. It has no unique constraint on its key: that there is one row for each event is the inbox's doing, and the
 * spec shows it.
 */
import { type FoundClass, findClass } from '../code/classes.js';
import { type Field, fieldsOf } from '../code/fields.js';
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
  const known = findClass(project, className, 'Entity');
  if (known !== undefined) return known;
  const fields = fieldsOf(event).filter(({ name }) => name !== 'id');
  await createFile(
    project.tree,
    join(folder, `${kebab(className)}.entity.ts`),
    entityText(className, fields),
  );
  return findClass(project, className, 'Entity')!;
}

/** The fields that an event and an entity share, by name and by type. */
export function sharedFields(event: FoundClass, entity: FoundClass): string[] {
  const columns = new Map(fieldsOf(entity).map((field) => [field.name, typeOf(field)]));
  return fieldsOf(event)
    .filter(
      (field) => field.name !== 'id' && field.column !== null && columns.get(field.name) === typeOf(field),
    )
    .map(({ name }) => name);
}

const typeOf = ({ column }: Field) =>
  column === 'integer' || column === 'double precision' ? 'number' : column;

function entityText(className: string, fields: readonly Field[]): string {
  const members = fields.map((field) => {
    if (field.column === null) return `\n  // TODO: a column for ${field.name}\n`;
    const kind = field.column === 'double precision' ? "'double precision'" : '';
    return `\n  @Column(${kind})\n  ${field.name}!: ${typeOf(field)};\n`;
  });
  const isSimple = fields.every(({ column }) => column === null);
  return `import { ${isSimple ? '' : 'Column, '}Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
export class ${className} {
  @PrimaryGeneratedColumn()
  id!: number;
${members.join('')}}
`;
}
