/**
 * `nest g -c exactly-once event orders/order-placed`: the class of an event.
 * Writes one file and edits none; a class that is there is left alone.
 */
import { findClass } from '../code/classes.js';
import { createFile } from '../code/write.js';
import { pascal, readName } from '../project/names.js';
import { type PlaceOptions, readProject } from '../project/project.js';
import { join, type Rule } from '../project/tree.js';
import { type EventShape, eventText } from './event-class.js';

interface EventOptions extends PlaceOptions, EventShape {
  readonly name?: string;
  readonly flat?: boolean;
}

export function event({ name: given, path, flat = false, ...options }: EventOptions): Rule {
  return async (tree) => {
    const project = readProject(tree, options);
    const { folder, name } = readName(given, {
      what: 'event',
      example: 'orders/order-placed',
      ...(path === undefined ? {} : { path }),
    });
    const className = pascal(name);
    const known = findClass(project, className, 'EventType');
    if (known !== undefined) throw new Error(`${className} stands in ${known.path}. Nothing was changed.`);
    const place = join(project.sourceRoot, folder, flat ? '' : name);
    await createFile(tree, join(place, `${name}.event.ts`), eventText(className, options));
  };
}
