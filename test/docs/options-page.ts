/**
 * The page of options, `docs/reference/options.md`, made of the doc comments in the sources. The spec fails where page
 * and comments differ, and where an option has no comment.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { nodesOf, parse } from '../architecture/rule.js';

interface Option {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  /** Empty where there is no comment. */
  readonly comment: string;
}

interface Chapter {
  readonly title: string;
  readonly about: string;
  /** `file#interface`, or with `-name` for each option to leave out; the first that has a name is taken. */
  readonly from: readonly string[];
}

export const optionsPagePath = 'docs/reference/options.md';

const engine = 'libs/core/src/engine/engine-options.ts';
const kafkajs = 'libs/kafka/src/kafkajs/kafkajs-options.ts';
const kafka = 'libs/kafka/src/kafka-options.ts';

const chapters: readonly Chapter[] = [
  {
    title: 'ExactlyOnceModule.forRoot',
    about:
      'Also what the factory of `forRootAsync` returns; `name` then stands beside `useFactory`, not in what it returns.',
    from: [
      'libs/nestjs/src/exactly-once.options.ts#ExactlyOnceOptions',
      `${engine}#EngineOptions-handlers-foreignHandlers-types`,
    ],
  },
  { title: 'batch', about: 'Of `forRoot`: bounds of one transaction.', from: [`${engine}#BatchOptions`] },
  {
    title: 'retry',
    about: 'Of `forRoot` and of `@IdempotentHandler`, each field by itself.',
    from: ['libs/core/src/failure/failure-policy.ts#RetryPolicy'],
  },
  {
    title: 'relay',
    about: 'Of `forRoot`, or `false`: this process publishes nothing.',
    from: [`${engine}#RelayOptions`],
  },
  {
    title: 'retention',
    about: 'Of `forRoot`, or `false`: this process forgets nothing.',
    from: [`${engine}#RetentionOptions`],
  },
  {
    title: 'deadLetters',
    about: 'Of `forRoot`.',
    from: ['libs/core/src/failure/burial.ts#DeadLetterOptions'],
  },
  {
    title: 'foreignTopics',
    about: 'Of `forRoot`, by topic: messages that are no CloudEvents.',
    from: ['libs/core/src/event/event-reader.ts#TopicMapping'],
  },
  {
    title: '@IdempotentHandler',
    about:
      "Bare, beside `@EventPattern`, it takes none of `topic`, `startFrom`, `concurrency`, `transaction` and `batch`, nor `dedup: 'offset'`, `order: 'key'` or `order: 'none'`.",
    from: [
      'libs/nestjs/src/handler-mark.ts#IdempotentHandlerOptions',
      'libs/core/src/processing/handler.ts#HandlerOptions',
    ],
  },
  {
    title: '@EventType',
    about: 'Its second argument; the first is the CloudEvents type.',
    from: ['libs/nestjs/src/event-type.decorator.ts#EventTypeOptions'],
  },
  {
    title: 'OutboxRepository.publish',
    about: 'Its second argument.',
    from: ['libs/core/src/outbox/publish-options.ts#PublishOptions'],
  },
  {
    title: 'typeOrmStorage',
    about: '',
    from: ['libs/typeorm/src/typeorm-storage.ts#TypeOrmStorageOptions'],
  },
  {
    title: 'embeddedPostgres',
    about: '',
    from: ['libs/typeorm/src/embedded/embedded-postgres.ts#EmbeddedPostgresOptions'],
  },
  {
    title: 'databaseBroker',
    about: '',
    from: ['libs/core/src/database-broker/database-broker.ts#DatabaseBrokerOptions'],
  },
  { title: 'kafkaBroker', about: '', from: [`${kafkajs}#KafkajsOptions`, `${kafka}#KafkaBrokerOptions`] },
  { title: 'queue', about: 'Of `kafkaBroker`.', from: [`${kafka}#QueueOptions`] },
  {
    title: 'producer',
    about: "Of `kafkaBroker`, beside kafkajs's own.",
    from: [`${kafkajs}#RequestOptions`],
  },
  {
    title: 'testExactlyOnce',
    about: 'Its second argument.',
    from: ['libs/testing/src/application/test-options.ts#TestOptions'],
  },
];

export function optionsPage(): string {
  const parts = chapters.map(({ title, about, from }) => {
    const lines = from.flatMap(optionsFrom).filter(isFirst).map(row);
    const table = ['| Option | Type | Meaning, unit and bounds | Default |', '|---|---|---|---|', ...lines];
    return [`## ${title}`, ...(about === '' ? [] : [about]), table.join('\n')].join('\n\n');
  });
  const head =
    '# Options\n\nMade by `npm run docs:options` from the doc comments in the sources. An option that is not known stops the ' +
    'start with `EO_OPTION_UNKNOWN`, which names the nearest one; a value out of bounds with `EO_OPTION_INVALID`.';
  return `${[head, ...parts].join('\n\n')}\n`;
}

/** `chapter: option` for each that has no comment. */
export function uncommented(): string[] {
  return chapters.flatMap(({ title, from }) =>
    from
      .flatMap(optionsFrom)
      .filter(isFirst)
      .filter(({ comment }) => comment === '')
      .map(({ name }) => `${title}: ${name}`),
  );
}

function isFirst({ name }: Option, index: number, all: readonly Option[]): boolean {
  return all.findIndex((one) => one.name === name) === index;
}

function optionsFrom(source: string): Option[] {
  const [path = '', rest = ''] = source.split('#');
  const [name, ...left] = rest.split('-');
  const options = optionsOf(readFileSync(path, 'utf8'), name!);
  return options.filter((option) => !left.includes(option.name));
}

/** Throws where there is no such interface. */
export function optionsOf(text: string, name: string): Option[] {
  const source = parse({ path: 'options.ts', text });
  const found = [...nodesOf(source)].find(
    (node) => ts.isInterfaceDeclaration(node) && node.name.text === name,
  );
  if (found === undefined) throw new Error(`no interface ${name}`);
  return (found as ts.InterfaceDeclaration).members.filter(ts.isPropertySignature).map((member) => ({
    name: member.name.getText(source),
    type: (member.type?.getText(source) ?? '').replace(/\s+/g, ' '),
    required: member.questionToken === undefined,
    comment: commentOf(member.getFullText(source)),
  }));
}

/** As it stands: to TypeScript the name of a package in it is a tag. */
function commentOf(text: string): string {
  const [, comment = ''] = /\/\*\*(.*?)\*\//s.exec(text) ?? [];
  return comment
    .replace(/^\s*\* ?/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
}

function row({ name, type, required, comment }: Option): string {
  const { meaning, fallback } = split(comment);
  const cells = [`\`${name}\``, `\`${type}\``, meaning, fallback || (required ? 'required' : '')];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** What a comment says as `Default …` goes into a column of its own. */
function split(comment: string): { meaning: string; fallback: string } {
  const found = /(?:^|\s)Default:?\s+((?:`[^`]*`|[^`])*?)\.(?=\s+[A-Z`]|$)/.exec(comment);
  if (found === null) return { meaning: comment, fallback: '' };
  const [all, fallback = ''] = found;
  const meaning = `${comment.slice(0, found.index)}${comment.slice(found.index + all.length)}`;
  return { meaning: meaning.trim(), fallback };
}
