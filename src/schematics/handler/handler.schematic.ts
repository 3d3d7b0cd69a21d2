/**
 * `nest g -c exactly-once handler payments/capture:OrderPlaced`: a handler, its event where there is none, its place in the
 * nearest module, and a spec that crashes it. Writes nothing where any of that cannot be done.
 */
import { type FoundClass, hasHandler } from '../code/classes.js';
import { keyField } from '../code/fields.js';
import { createFile } from '../code/write.js';
import { type EventShape, ensureEvent } from '../event/event-class.js';
import { camel, pascal, readClass, readName } from '../project/names.js';
import { type PlaceOptions, readProject } from '../project/project.js';
import { join, type Rule } from '../project/tree.js';
import { ensureEntity, sharedFields } from './entity-class.js';
import { type HandlerParts, handlerSpecText, handlerText, repositoryOf } from './handler-text.js';
import { moduleFor, type RegistrationOptions, register, registerEntity } from './registration.js';
import { testAdvice } from './test-text.js';

export interface HandlerOptions extends PlaceOptions, RegistrationOptions, Pick<EventShape, 'fields'> {
  readonly name?: string;
  readonly event?: string;
  readonly entity?: string;
  readonly publish?: string;
  readonly flat?: boolean;
  readonly spec?: boolean;
  readonly specFileSuffix?: string;
}

const example = 'payments/capture:OrderPlaced';

export function handler(options: HandlerOptions): Rule {
  const { flat = false, spec = true, specFileSuffix = 'spec', path = '', skipImport = false } = options;
  return async (tree, { logger }) => {
    const project = readProject(tree, options);
    const { folder, name, detail } = readName(options.name, { what: 'handler', example, path });
    const eventName = classOf(options.event ?? detail, options.name ?? name);
    const entityName = options.entity === undefined ? undefined : readClass(options.entity, '--entity');
    const publishName = options.publish === undefined ? undefined : readClass(options.publish, '--publish');
    const place = join(project.sourceRoot, folder, flat ? '' : name);
    const module = moduleFor(project, place, options.module);
    const files = {
      handler: join(place, `${name}.handler.ts`),
      spec: join(place, `${name}.handler.${specFileSuffix}.ts`),
    };

    checkClasses([`${pascal(name)}Handler`, eventName, entityName, publishName]);
    const isFurther = hasHandler(project);
    const event = await ensureEvent(
      project,
      place,
      eventName,
      options.fields === undefined ? {} : { fields: options.fields },
    );
    const entity =
      entityName === undefined ? undefined : await ensureEntity(project, place, entityName, event);
    const parts: HandlerParts = {
      ...{
        isFurther,
        event,
        entity,
        method: camel(name),
        name: [folder, name].filter((part) => part !== '').join('/'),
      },
      handler: { path: files.handler, className: `${pascal(name)}Handler` },
      columns: entity === undefined ? [] : sharedFields(event, entity),
      published:
        publishName === undefined
          ? undefined
          : await ensureEvent(project, place, publishName, causedBy(event)),
    };
    checkMembers(parts);
    await createFile(tree, files.handler, handlerText(project, parts));
    if (spec) {
      const text = handlerSpecText(project, { ...parts, specPath: files.spec, module });
      await createFile(tree, files.spec, text);
      const advice = testAdvice(project, module);
      if (advice !== null) logger.warn(advice);
    }
    if (skipImport) return;
    if (entity !== undefined)
      await registerEntity(project, module, { path: entity.path, className: entity.name });
    await register(project, module, 'controllers', [parts.handler]);
  };
}

/** Classes that one file names. */
function checkClasses(names: readonly (string | undefined)[]): void {
  const given = names.filter((name) => name !== undefined);
  const inLower = given.map((name) => name.toLowerCase());
  const double = given.find((_, at) => inLower.indexOf(inLower[at]!) !== at);
  if (double === undefined) return;
  throw new Error(
    `${double} would be two things at once: event, entity, published event and handler need names of their own. ` +
      'Nothing was changed.',
  );
}

function checkMembers({ method, entity, published }: HandlerParts): void {
  const members = [
    ...(entity === undefined ? [] : [repositoryOf(entity)]),
    ...(published === undefined ? [] : ['outbox']),
  ];
  if (!members.includes(method)) return;
  throw new Error(
    `The handler's method and what it is given would both be called "${method}". Nothing was changed. Choose another name.`,
  );
}

/** It carries the key of what it follows from. */
function causedBy(event: FoundClass): EventShape {
  const fields = keyField(event);
  return fields === undefined ? {} : { fields };
}

function classOf(event: string, name: string): string {
  if (event !== '') return readClass(event, 'The event');
  throw new Error(
    `Which event does it handle? Say it behind a colon: nest g -c exactly-once handler ${name}:OrderPlaced; or by ` +
      `--event: npx schematics exactly-once:handler ${name} --event OrderPlaced. Nothing was changed.`,
  );
}
