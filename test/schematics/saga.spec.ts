import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestApplication, testExactlyOnce } from '@exactly-once/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Files, Generator, newApplication, type Run } from './generated.js';

let generator: Generator;
let folder: string;
let saga: Saga;

interface Saga {
  readonly module: unknown;
  readonly started: object;
  readonly Steps: new () => object;
  readonly Refused: new (why: string) => Error;
  readonly Done: new () => object;
  readonly PermanentError: new (why: string) => Error;
  readonly OutboxRepository: new () => { publish(event: object): Promise<void> };
}

const checkout: Run = ['saga', { name: 'orders/checkout:reserve,charge,ship', flat: true }];

/** What the generator writes, loaded: from files, for as long as the tests run. */
async function load(files: Files): Promise<Saga> {
  const names = ['events', 'steps', 'saga'].map((kind) => `checkout.${kind}.ts`);
  for (const name of names) writeFileSync(join(folder, name), files[`src/orders/${name}`]!);
  const [events, steps, handlers] = await Promise.all(names.map((name) => import(join(folder, name))));
  const { Module } = await import('@nestjs/common');
  const { OutboxRepository, PermanentError } = await import('@exactly-once/nestjs');
  const module = class CheckoutModule {};
  Module({ controllers: [handlers.CheckoutSaga], providers: [steps.CheckoutSteps] })(module);
  return {
    ...{ module, PermanentError, OutboxRepository: OutboxRepository as never },
    started: events.checkoutEvent(events.CheckoutStarted, '5f0c7b5e-2a4d-4c57-9d0e-8a1f4b6c3d21'),
    Steps: steps.CheckoutSteps,
    Refused: steps.CheckoutStepRefused,
    Done: events.CheckoutCompleted,
  };
}

beforeAll(async () => {
  generator = new Generator();
  folder = mkdtempSync(resolve('test/schematics/.saga-'));
  const { files, error } = await generator.run(newApplication(12), checkout);
  if (error !== null) throw new Error(error);
  saga = await load(files);
});
afterAll(() => {
  generator.end();
  rmSync(folder, { recursive: true, force: true });
});

async function start(charge: (app: TestApplication) => Promise<void>): Promise<TestApplication> {
  const steps = Object.assign(new saga.Steps(), { charge: () => charge(app) });
  const app: TestApplication = await testExactlyOnce(saga.module, { override: [[saga.Steps, steps]] });
  return app;
}

const typesOf = (app: TestApplication) => app.published().map(({ type }) => type);

describe('a generated saga', () => {
  it('leaves nothing of a step that did something and was refused, and takes back those before it', async () => {
    await using app = await start(async (running) => {
      await running.get<InstanceType<Saga['OutboxRepository']>>(saga.OutboxRepository).publish(saga.started);
      throw new saga.Refused('the card');
    });

    await app.deliver(saga.started);

    expect(typesOf(app)).toEqual(['checkout.reserve-done', 'checkout.undo-reserve', 'checkout.failed']);
    expect(await app.deadLetters()).toEqual([]);
  });

  it('stands still at a step that fails for good, and takes nothing back', async () => {
    await using app = await start(() => Promise.reject(new saga.PermanentError('no such account')));

    await app.deliver(saga.started).catch(() => undefined);

    expect(typesOf(app)).toEqual(['checkout.reserve-done']);
    expect(await app.deadLetters()).toEqual([
      expect.objectContaining({ handler: expect.stringContaining('orders/checkout/charge'), attempts: 1 }),
    ]);
  });

  it('calls outside in a transaction of its own, and takes back for long', async () => {
    const { files } = await generator.run(newApplication(12), checkout);

    const text = files['src/orders/checkout.saga.ts']!;
    expect(text).toContain("const forth: IdempotentHandlerOptions = { commit: 'event' };");
    expect(text).toMatch(/\.\.\.forth,\s+retry: \{ attempts: 5_000 \}/);
    expect(text).toContain('@Ctx() context: EventContext');
    expect(files['src/orders/checkout.steps.ts']).toMatch(/idempotencyKey.*signal[\s\S]*dryRun/);
  });
});

describe('new: true', () => {
  it('stands at each handler that is not the first', async () => {
    const first: Run = ['handler', { name: 'first:OrderPlaced', flat: true }];
    const second: Run = ['handler', { name: 'second:OrderPlaced', flat: true }];

    const { files } = await generator.run(newApplication(12), first, second, checkout);

    expect(files['src/first.handler.ts']).not.toContain('new: true');
    expect(files['src/second.handler.ts']).toMatch(
      /^ {2}\/\/ new: .*\n {2}@IdempotentHandler\(OrderPlaced, \{ name: 'second', new: true \}\)$/m,
    );
    expect(files['src/orders/checkout.saga.ts']).toMatch(
      /^\/\/ new: .*\nconst forth: IdempotentHandlerOptions = \{ commit: 'event', new: true \};$/m,
    );
  });
});
