/**
 * `nest g -c exactly-once handler payments/capture:OrderPlaced`: a handler, its event where there is none, its place in the
 * nearest module, and a spec that crashes it. Writes nothing where any of that cannot be done.
 */
import { type FoundClass, keyField } from '../code/classes.js';
import { createFile } from '../code/write.js';
import { type EventShape, ensureEvent } from '../event/event-class.js';
import { camel, pascal, readClass, readName } from '../project/names.js';
import { type PlaceOptions, readProject } from '../project/project.js';
import { join, type Rule } from '../project/tree.js';
import { ensureEntity, sharedFields } from './entity-class.js';
import { handlerSpecText, handlerText } from './handler-text.js';
import { moduleFor, type RegistrationOptions, register, registerEntity } from './registration.js';

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
  return async (tree) => {
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

    const event = await ensureEvent(
      project,
      place,
      eventName,
      options.fields === undefined ? {} : { fields: options.fields },
    );
    const entity =
      entityName === undefined ? undefined : await ensureEntity(project, place, entityName, event);
    const parts = {
      ...{ event, entity, method: camel(name), name: [folder, name].filter((part) => part !== '').join('/') },
      handler: { path: files.handler, className: `${pascal(name)}Handler` },
      columns: entity === undefined ? [] : sharedFields(event, entity),
      published:
        publishName === undefined
          ? undefined
          : await ensureEvent(project, place, publishName, causedBy(event)),
    };
    await createFile(tree, files.handler, handlerText(project, parts));
    if (spec)
      await createFile(
        tree,
        files.spec,
        handlerSpecText(project, { ...parts, specPath: files.spec, module }),
      );
    if (skipImport) return;
    if (entity !== undefined)
      await registerEntity(project, module, { path: entity.path, className: entity.name });
    await register(project, module, 'controllers', [parts.handler]);
  };
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
