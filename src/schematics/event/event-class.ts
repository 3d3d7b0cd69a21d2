/**
 * The class of an event: uses the one that the project has, else writes one, with `@EventType` and class-validator rules.
 *
 * Its type, topic and key are derived from its name (`OrderPlaced` is `order.placed` on `orders`, keyed by `orderId`) and
 * are to be checked by whoever publishes it: they are a contract with others.
 */
import { type FoundClass, findClass } from '../code/classes.js';
import { createFile } from '../code/write.js';
import { camel, kebab, plural } from '../project/names.js';
import type { Project } from '../project/project.js';
import { join } from '../project/tree.js';

export interface EventShape {
  readonly type?: string;
  readonly topic?: string;
  /** `orderId:uuid,totalCents:int`; the first is the key. */
  readonly fields?: string;
}

interface Rule {
  readonly decorator: string;
  readonly type: string;
}

const rules: Readonly<Record<string, Rule>> = {
  uuid: { decorator: 'IsUUID', type: 'string' },
  string: { decorator: 'IsString', type: 'string' },
  int: { decorator: 'IsInt', type: 'number' },
  number: { decorator: 'IsNumber', type: 'number' },
  boolean: { decorator: 'IsBoolean', type: 'boolean' },
  date: { decorator: 'IsISO8601', type: 'string' },
};

/** `OrderPlaced`: what it is about, and what happened to it. */
function subjectOf(className: string): { subject: string; happened: string } {
  const words = kebab(className).split('-');
  return words.length === 1
    ? { subject: words[0]!, happened: words[0]! }
    : { subject: words.slice(0, -1).join('-'), happened: words.at(-1)! };
}

/** The project's own class of that name, else a new one in `folder`. */
export async function ensureEvent(
  project: Project,
  folder: string,
  className: string,
  shape: EventShape = {},
): Promise<FoundClass> {
  const known = findClass(project, className, 'EventType');
  if (known !== undefined) return known;
  await createFile(project.tree, join(folder, `${kebab(className)}.event.ts`), eventText(className, shape));
  return findClass(project, className, 'EventType')!;
}

export function eventText(className: string, { type, topic, fields }: EventShape): string {
  const { subject, happened } = subjectOf(className);
  const list = readFields(fields ?? `${camel(subject)}Id:uuid`);
  const [key, kind] = list[0]!;
  const decorators = [...new Set(list.map(([, { decorator }]) => decorator))].sort();
  const members = list.map(([name, rule]) => `  @${rule.decorator}()\n  ${name}!: ${rule.type};\n`);
  const wireType = type ?? (subject === happened ? subject : `${subject}.${happened}`);
  return `import { EventType } from '@exactly-once/nestjs';
import { ${decorators.join(', ')} } from 'class-validator';

@EventType<${className}>(${text(wireType)}, {
  topic: ${text(topic ?? plural(subject))},
  key: (event) => ${kind.type === 'string' ? `event.${key}` : `String(event.${key})`},
})
export class ${className} {
${members.join('\n')}}
`;
}

function readFields(given: string): [name: string, rule: Rule][] {
  return given.split(',').map((field) => {
    const [name = '', kind = 'string'] = field.trim().split(':');
    const rule = Object.hasOwn(rules, kind) ? rules[kind] : undefined;
    if (/^[a-z_]\w*$/i.test(name) && rule !== undefined) return [name, rule];
    throw new Error(
      `--fields has "${field.trim()}": write name:type, with a type of ${Object.keys(rules).join(', ')}, ` +
        'for example orderId:uuid,totalCents:int. Nothing was changed.',
    );
  });
}

function text(value: string): string {
  return `'${value.replace(/[\\']/g, '\\$&')}'`;
}
