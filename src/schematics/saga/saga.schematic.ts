/**
 * `nest g -c exactly-once saga orders/checkout:reserve,charge,ship`: a chain of handlers with compensation, the events
 * between them, a class for what the steps do, and a spec that lets the last one be refused.
 */
import { hasHandler } from '../code/classes.js';
import { createFile } from '../code/write.js';
import { moduleFor, type RegistrationOptions, register } from '../handler/registration.js';
import { testAdvice, testCall } from '../handler/test-text.js';
import { camel, pascal, readClass, readName } from '../project/names.js';
import { importPath, type PlaceOptions, readProject } from '../project/project.js';
import { join, type Rule } from '../project/tree.js';
import { sagaSpecText } from './saga-spec-text.js';
import { stepsText } from './saga-steps-text.js';
import { eventsText, sagaText, undo } from './saga-text.js';

interface SagaOptions extends PlaceOptions, RegistrationOptions {
  readonly name?: string;
  readonly steps?: string;
  readonly flat?: boolean;
  readonly spec?: boolean;
  readonly specFileSuffix?: string;
}

const example = 'orders/checkout:reserve,charge,ship';

export function saga(options: SagaOptions): Rule {
  const { flat = false, spec = true, specFileSuffix = 'spec', path = '', skipImport = false } = options;
  return async (tree, { logger }) => {
    const project = readProject(tree, options);
    const { folder, name, detail } = readName(options.name, { what: 'saga', example, path });
    const steps = readSteps(options.steps ?? detail);
    const shape = { name, folder, steps, isFurther: hasHandler(project) };
    const place = join(project.sourceRoot, folder, flat ? '' : name);
    const module = moduleFor(project, place, options.module);
    const file = (kind: string) => join(place, `${name}.${kind}.ts`);
    const from = (path: string) => (kind: string) => importPath(project, path, file(kind));

    await createFile(tree, file('events'), eventsText(shape));
    await createFile(tree, file('steps'), stepsText(shape));
    await createFile(tree, file('saga'), sagaText(shape, from(file('saga'))));
    if (spec) {
      const specPath = file(`saga.${specFileSuffix}`);
      const ofModule = { className: module.className, from: importPath(project, specPath, module.path) };
      const started = testCall(project, module, `override: [[${pascal(name)}Steps, standIn]]`);
      const text = sagaSpecText(shape, { importing: from(specPath), module: ofModule, started });
      await createFile(tree, specPath, text);
      const advice = testAdvice(project, module);
      if (advice !== null) logger.warn(advice);
    }
    if (skipImport) return;
    const ofSaga = { path: file('saga'), className: `${pascal(name)}Saga` };
    await register(project, module, 'controllers', [ofSaga]);
    const ofSteps = { path: file('steps'), className: `${pascal(name)}Steps` };
    await register(project, module, 'providers', [ofSteps]);
  };
}

function readSteps(given: string): string[] {
  const steps = given
    .split(',')
    .filter((step) => step.trim() !== '')
    .map((step) => camel(readClass(step, 'A step')));
  if (steps.length === 0) {
    throw new Error(`The saga has no steps: say them behind a colon, ${example}. Nothing was changed.`);
  }
  const taken = steps.find((step) => ['steps', 'outbox', 'exactlyOnce', 'constructor'].includes(step));
  if (taken !== undefined) {
    throw new Error(`A saga has "${taken}" itself: give the step another name. Nothing was changed.`);
  }
  const members = steps.flatMap((step, at) => (at === steps.length - 1 ? [step] : [step, undo(step)]));
  const double = members.find((member, at) => members.indexOf(member) !== at);
  if (double === undefined) return steps;
  throw new Error(`The saga would have "${double}" twice. Nothing was changed.`);
}
