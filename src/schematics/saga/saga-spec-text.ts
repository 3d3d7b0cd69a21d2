/**
 * The spec of a generated saga: the way forth, the way back when the last step is refused, and the latter under crashes.
 * It looks at what was published, so it stays true when the steps begin to do something.
 */
import { sampleUuid } from '../code/fields.js';
import { pascal } from '../project/names.js';
import {
  backClass,
  doneClass,
  type Importing,
  makerOf,
  refusalOf,
  type SagaShape,
  typeOf,
} from './saga-text.js';

interface SpecPlace {
  readonly importing: Importing;
  readonly module: { readonly className: string; readonly from: string };
  /** The call that starts the module with the option `override`. */
  readonly started: string;
}

export function sagaSpecText(saga: SagaShape, { importing, module, started }: SpecPlace): string {
  const { name, steps } = saga;
  const className = pascal(name);
  const listed = (classes: readonly string[]) =>
    classes.map((of) => `      '${typeOf(saga, of)}',\n`).join('');
  const forth = steps.map((_, at) => doneClass(saga, at));
  const back = steps.map((_, at) => backClass(saga, at)).reverse();
  return `import {
  checkExactlyOnce,
  type TestApplication,
  testExactlyOnce,
} from '@exactly-once/testing';
import { ${module.className} } from '${module.from}';
import { ${makerOf(saga)}, ${className}Started } from '${importing('events')}';
import { ${refusalOf(saga)}, ${className}Steps } from '${importing('steps')}';

describe('${name}', () => {
  const started = ${makerOf(saga)}(
    ${className}Started,
    '${sampleUuid}',
  );
  const refuse = {
    ${steps.at(-1)}: () => Promise.reject(new ${refusalOf(saga)}('in a test')),
  };
  let app: TestApplication;

  async function start(steps: Partial<${className}Steps>): Promise<void> {
    const standIn = Object.assign(new ${className}Steps(), steps);
    app = await ${started};
  }
  afterEach(() => app.close(), 60_000);

  it('does one step after the other', async () => {
    await start({});

    await app.deliver(started);

    expect(app.published().map(({ type }) => type)).toEqual([
${listed(forth)}    ]);
  }, 60_000);

  it('takes back what was done when the last step is refused', async () => {
    await start(refuse);

    await app.deliver(started);

    expect(app.published().map(({ type }) => type)).toEqual([
${listed([...forth.slice(0, -1), ...back])}    ]);
  }, 60_000);

  it('does all of that once, wherever it crashes', async () => {
    await start(refuse);

    await checkExactlyOnce(app, started);
  }, 120_000);
});
`;
}
