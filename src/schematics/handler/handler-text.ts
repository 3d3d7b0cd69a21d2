/**
 * The text of a generated handler and of its spec. What the handler writes and publishes stands in one transaction with the
 * record of the event's id; the spec delivers the event twice, and ends the process everywhere.
 */
import type { FoundClass } from '../code/classes.js';
import { sampleOf } from '../code/fields.js';
import { indented } from '../code/source-edit.js';
import { camel, plural } from '../project/names.js';
import { importPath, type Project } from '../project/project.js';
import type { Place } from './registration.js';
import { testFrame } from './test-text.js';

export interface HandlerParts {
  /** The handler's identity in the database: stays when the class is renamed. */
  readonly name: string;
  readonly method: string;
  readonly handler: Place;
  readonly event: FoundClass;
  readonly entity: FoundClass | undefined;
  /** Fields that the row takes over from the event. */
  readonly columns: readonly string[];
  readonly published: FoundClass | undefined;
  /** Whether the application has had other handlers before. */
  readonly isFurther: boolean;
}

/** In front of a decorator with `new: true`. */
export const newHandlerComment =
  '  // new: it has not run before under another name; may go once it is released\n';

export function handlerText(project: Project, parts: HandlerParts): string {
  const { handler, event, entity, published, method, name, isFurther } = parts;
  const from = (found: FoundClass) =>
    `import { ${found.name} } from '${importPath(project, handler.path, found.path)}';`;
  const framework = ['IdempotentHandler', ...(published === undefined ? [] : ['OutboxRepository'])];
  const imports = [
    `import { ${framework.join(', ')} } from '@exactly-once/nestjs';`,
    "import { Controller } from '@nestjs/common';",
    "import { Payload } from '@nestjs/microservices';",
    ...(entity === undefined
      ? []
      : ["import { InjectRepository } from '@nestjs/typeorm';", "import { Repository } from 'typeorm';"]),
    ...[event, entity, published].filter((one) => one !== undefined).map(from),
  ];
  return `${imports.join('\n')}

@Controller()
export class ${handler.className} {
${constructorText(parts)}  /**
   * What it writes through TypeORM, and what it publishes by OutboxRepository,
   * is committed with the record of the event's id: once, or not at all.
   */
${isFurther ? newHandlerComment : ''}  @IdempotentHandler(${event.name}, { name: '${name}'${isFurther ? ', new: true' : ''} })
  async ${method}(@Payload() event: ${event.name}): Promise<void> {
${bodyText(parts)}  }
}
`;
}

function constructorText({ entity, published }: HandlerParts): string {
  const parameters = [
    ...(entity === undefined
      ? []
      : [
          `@InjectRepository(${entity.name})\n    private readonly ${repositoryOf(entity)}: Repository<${entity.name}>,`,
        ]),
    ...(published === undefined ? [] : ['private readonly outbox: OutboxRepository,']),
  ];
  if (parameters.length === 0) return '';
  if (entity === undefined) return `  constructor(${parameters[0]!.slice(0, -1)}) {}\n\n`;
  return `  constructor(\n    ${parameters.join('\n    ')}\n  ) {}\n\n`;
}

function bodyText({ entity, published, columns, event }: HandlerParts): string {
  const row = columns.map((name) => `${name}: event.${name}`).join(', ');
  const lines = [
    ...(entity === undefined
      ? []
      : [`await this.${repositoryOf(entity)}.insert({${row === '' ? '' : ` ${row} `}});`]),
    ...(published === undefined
      ? []
      : [`await this.outbox.publish(\n  ${indented(publishedOf(published, event), '  ')},\n);`]),
  ];
  if (lines.length === 0)
    return '    // TODO: instead of this line, what is to happen once for each event\n    await Promise.resolve(event);\n';
  return lines.map((line) => `    ${indented(line, '    ')}\n`).join('');
}

/** Its fields are taken from the handled event where that has them. */
function publishedOf(published: FoundClass, event: FoundClass): string {
  const known = sampleOf(event);
  return sampleOf(published).replace(/^ {2}(\w+): (.*),$/gm, (line, field: string, value: string) =>
    known.includes(`  ${field}: `)
      ? `  ${field}: event.${field},`
      : `${line} // TODO: ${value === "'text'" ? 'a value' : 'its value'}`,
  );
}

/** The member of the handler's class that holds the repository. */
export function repositoryOf(entity: FoundClass): string {
  return camel(plural(entity.name));
}

export function handlerSpecText(
  project: Project,
  parts: HandlerParts & { specPath: string; module: Place },
): string {
  const { specPath, module, event, entity, published, method } = parts;
  const from = (name: string, path: string) =>
    `import { ${name} } from '${importPath(project, specPath, path)}';`;
  const imports = [
    `import {\n  checkExactlyOnce,\n  type TestApplication,\n  testExactlyOnce,\n} from '@exactly-once/testing';`,
    ...(entity === undefined
      ? []
      : ["import { getRepositoryToken } from '@nestjs/typeorm';", "import { Repository } from 'typeorm';"]),
    from(module.className, module.path),
    ...[event, entity, published].filter((one) => one !== undefined).map((one) => from(one.name, one.path)),
  ];
  const effects = [
    ...(entity === undefined
      ? []
      : [
          `const rows = app.get<Repository<${entity.name}>>(\n  getRepositoryToken(${entity.name}),\n);\nexpect(await rows.count()).toBe(1);`,
        ]),
    ...(published === undefined ? [] : [`expect(app.published(${published.name})).toHaveLength(1);`]),
  ].map((text) => `    ${indented(text, '    ')}\n`);
  return `${imports.join('\n')}

describe('${method}', () => {
${testFrame(project, module, event)}

  it('handles an event once that comes twice', async () => {
    expect(await app.deliver(event, { id: 'the-same' })).toBe('handled');
    expect(await app.deliver(event, { id: 'the-same' })).toBe('duplicate');

${effects.join('')}    expect(await app.deadLetters()).toEqual([]);
  }, 60_000);

  it('does so once, wherever it crashes', async () => {
    await checkExactlyOnce(app, event);
  }, 120_000);
});
`;
}
