/**
 * `nest g -c exactly-once outbox-publisher orders/place:OrderPlaced`: a service that publishes an event in one transaction
 * with the rows that the event is about, and a spec that rolls it back.
 */
import type { FoundClass } from '../code/classes.js';
import { createFile } from '../code/write.js';
import { type EventShape, ensureEvent } from '../event/event-class.js';
import { moduleFor, type Place, type RegistrationOptions, register } from '../handler/registration.js';
import { testAdvice, testFrame } from '../handler/test-text.js';
import { camel, pascal, readClass, readName } from '../project/names.js';
import { importPath, type PlaceOptions, type Project, readProject } from '../project/project.js';
import { join, type Rule } from '../project/tree.js';

interface PublisherOptions extends PlaceOptions, RegistrationOptions, Pick<EventShape, 'fields'> {
  readonly name?: string;
  readonly event?: string;
  readonly flat?: boolean;
  readonly spec?: boolean;
  readonly specFileSuffix?: string;
}

interface Parts {
  readonly publisher: Place;
  readonly event: FoundClass;
  readonly method: string;
}

export function outboxPublisher(options: PublisherOptions): Rule {
  const { flat = false, spec = true, specFileSuffix = 'spec', path = '', skipImport = false } = options;
  return async (tree, { logger }) => {
    const project = readProject(tree, options);
    const naming = { what: 'publisher', example: 'orders/place:OrderPlaced', path };
    const { folder, name, detail } = readName(options.name, naming);
    const eventName = options.event ?? detail;
    if (eventName === '') {
      throw new Error(
        `Which event does it publish? Say it behind a colon: ${options.name}:OrderPlaced. Nothing was changed.`,
      );
    }
    if (['exactly-once', 'outbox'].includes(name)) {
      throw new Error(
        `A publisher's "${camel(name)}" is what it publishes by. Nothing was changed. Choose another name.`,
      );
    }
    const place = join(project.sourceRoot, folder, flat ? '' : name);
    const module = moduleFor(project, place, options.module);
    const shape = options.fields === undefined ? {} : { fields: options.fields };
    const parts: Parts = {
      publisher: { path: join(place, `${name}.publisher.ts`), className: `${pascal(name)}Publisher` },
      event: await ensureEvent(project, place, readClass(eventName, 'The event'), shape),
      method: camel(name),
    };
    await createFile(tree, parts.publisher.path, publisherText(project, parts));
    const specPath = join(place, `${name}.publisher.${specFileSuffix}.ts`);
    if (spec) {
      await createFile(tree, specPath, specText(project, { ...parts, specPath, module }));
      const advice = testAdvice(project, module);
      if (advice !== null) logger.warn(advice);
    }
    if (!skipImport) await register(project, module, 'providers', [parts.publisher]);
  };
}

function publisherText(project: Project, { publisher, event, method }: Parts): string {
  return `import { ExactlyOnce, OutboxRepository } from '@exactly-once/nestjs';
import { Injectable } from '@nestjs/common';
import { ${event.name} } from '${importPath(project, publisher.path, event.path)}';

@Injectable()
export class ${publisher.className} {
  constructor(
    private readonly exactlyOnce: ExactlyOnce,
    private readonly outbox: OutboxRepository,
  ) {}

  /** The event and what is written beside it through TypeORM: both, or neither. */
  async ${method}(event: ${event.name}): Promise<void> {
    await this.exactlyOnce.transaction(async () => {
      // TODO: the rows that the event is about
      await this.outbox.publish(event);
    });
  }
}
`;
}

function specText(project: Project, parts: Parts & { specPath: string; module: Place }): string {
  const { publisher, event, method, specPath, module } = parts;
  const from = (path: string) => importPath(project, specPath, path);
  return `import { ExactlyOnce } from '@exactly-once/nestjs';
import { type TestApplication, testExactlyOnce } from '@exactly-once/testing';
import { ${module.className} } from '${from(module.path)}';
import { ${event.name} } from '${from(event.path)}';
import { ${publisher.className} } from '${from(publisher.path)}';

describe('${publisher.className}', () => {
${testFrame(project, module, event)}

  it('publishes the event when its transaction commits', async () => {
    await app.get(${publisher.className}).${method}(event);

    expect(app.published(${event.name})).toHaveLength(1);
  }, 60_000);

  it('publishes nothing when it is rolled back', async () => {
    const rolledBack = app.get(ExactlyOnce).transaction(async () => {
      await app.get(${publisher.className}).${method}(event);
      throw new Error('rolled back');
    });

    await expect(rolledBack).rejects.toThrow('rolled back');
    expect(app.published(${event.name})).toEqual([]);
  }, 60_000);
});
`;
}
