import { derivedEventId } from '@exactly-once/core';
import { EventContext, EventType, IdempotentHandler, OutboxRepository } from '@exactly-once/nestjs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Injectable,
  Module,
  type NestInterceptor,
  ParseArrayPipe,
  UseGuards,
  UseInterceptors,
  ValidationPipe,
} from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { IsInt, IsString, Min } from 'class-validator';
import { DataSource } from 'typeorm';
import { until } from '../services/ports.js';
import { type FedEvent, NestWorld } from './nest-world.js';

/** What Nest's own parts saw of each call. */
const seen: string[] = [];

@Injectable()
class CountingInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    seen.push(`interceptor ${(context.switchToRpc().getData() as unknown[]).length}`);
    return next.handle();
  }
}

@Injectable()
class ForbiddingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const contexts = context.switchToRpc().getContext<EventContext[]>();
    if (contexts.some(({ id }) => id.endsWith('guard'))) throw new Error('the guard threw');
    return true;
  }
}

describe('a batch handler of an application', () => {
  let world: NestWorld;

  beforeAll(async () => {
    world = await NestWorld.open('nest-batch');
    const output = await world.kafka.createTopic('nest-batch-out');
    await start(world, output);
  });

  afterAll(async () => {
    await world?.close();
  });

  it('gets instances of the class with their contexts, in order and once, in one call', async () => {
    const copies = ['a1', 'a2', 'a1', 'a3', 'a2'];
    await feed(copies);

    await world.handled('batch a3');
    await feed(['a3', 'a4']);
    await world.handled('batch a4');

    expect(await handled('batch', 'a')).toEqual(['batch a1', 'batch a2', 'batch a3', 'batch a4']);
    expect(await handled('single', 'a')).toEqual(['single a1', 'single a2', 'single a3', 'single a4']);
    expect(seen).toContain('interceptor 3');
  });

  it('does not see an event that breaks the rules of its class: that one alone is dead-lettered', async () => {
    await world.feed(event('b1'), event('b-bad', -5), event('b3'));

    await world.handled('batch b3');

    expect(await handled('batch', 'b')).toEqual(['batch b1', 'batch b3']);
    expect((await world.letters()).filter((letter) => letter.endsWith(' b-bad'))).toEqual([
      'EO_VALIDATION_FAILED b-bad', // of the batch handler
      'EO_VALIDATION_FAILED b-bad',
      'EO_VALIDATION_FAILED b-bad',
    ]);
  });

  it.each([
    ['its handler throws', 'c', 'c-throws', 'a failure of its own'],
    ['the database refuses its statement', 'd', 'd-sql', 'division by zero'],
    ['a guard throws', 'e', 'e-guard', 'the guard threw'],
  ])('commits the neighbours of an event that fails because %s', async (_, prefix, bad, error) => {
    const good = Array.from({ length: 8 }, (_, index) => `${prefix}${index + 1}`);
    await feed([...good.slice(0, 5), bad, ...good.slice(5)]);

    await world.handled(`batch ${prefix}8`);
    await world.handled(`single ${prefix}8`);

    expect(await handled('batch', prefix)).toEqual(good.map((id) => `batch ${id}`));
    expect(await world.letters()).toContain(`EO_HANDLER_FAILED ${bad}`);
    const [letter] = await world.database.query(
      `SELECT array_to_string(error_chain, ' ') AS chain FROM eo_dead_letter
       WHERE convert_from(event_id, 'UTF8') = $1 AND handler = 'test/ThingHandlers.all'`,
      [bad],
    );
    expect(letter?.chain).toContain(error);
  });

  it('publishes under the ids that single handlers would give, and the keys of other systems are of each event', async () => {
    await feed(['f1', 'f2']);
    await world.handled('batch f2');

    const rows = await world.database.query(
      `SELECT event_id, note FROM ledger WHERE handler = 'batch' AND event_id LIKE 'f%' ORDER BY id`,
    );
    const [keys, ids] = [0, 1].map((part) => rows.map(({ note }) => note.split(' ')[part]));
    expect(new Set(keys).size).toBe(2);
    expect(ids).toEqual(['f1', 'f2'].map((id) => derived(id)));
  });

  it('says clearly that a publication needs its cause', async () => {
    await feed(['g1', 'g-uncaused', 'g3']);
    await world.handled('batch g3');

    expect(await world.letters()).toContain('EO_CAUSE_REQUIRED g-uncaused');
    expect(await handled('batch', 'g')).toEqual(['batch g1', 'batch g3']);
  });

  it('can be given pipes of its own for the array', async () => {
    await feed(['h1', 'h2']);
    await until('both are piped', async () => (await handled('piped', 'h')).length === 2);

    expect(await handled('piped', 'h')).toEqual(['piped h1', 'piped h2']);
  });

  const event = (id: string, cents = 5): FedEvent => ({ id, data: { id, cents } });

  async function feed(ids: readonly string[]): Promise<void> {
    await world.feed(...ids.map((id) => event(id)));
  }

  async function handled(handler: string, prefix: string): Promise<string[]> {
    const lines = await world.ledger();
    return lines.filter((line) => line.startsWith(`${handler} ${prefix}`));
  }

  function derived(id: string): string {
    const handlerIdentity = 'test/ThingHandlers.all';
    const cause = { source: 'test', id, timeMs: null, handlerIdentity, generation: 1 };
    return derivedEventId({ ...cause, type: 'thing.done', key: 'k', ordinal: 0 });
  }
});

function thingEvents(topic: string, output: string) {
  @EventType('thing.happened', { topic })
  class ThingHappened {
    @IsString()
    id!: string;

    @IsInt()
    @Min(0)
    cents!: number;
  }

  @EventType<ThingDone>('thing.done', { topic: output, key: () => 'k' })
  class ThingDone {
    readonly done = true;
  }

  return { ThingHappened, ThingDone };
}

async function start(world: NestWorld, output: string): Promise<void> {
  const { ThingHappened, ThingDone } = thingEvents(world.topic, output);
  type ThingHappened = InstanceType<typeof ThingHappened>;

  @Controller()
  class ThingHandlers {
    constructor(
      readonly dataSource: DataSource,
      readonly outbox: OutboxRepository,
    ) {}

    @UseGuards(ForbiddingGuard)
    @UseInterceptors(CountingInterceptor)
    @IdempotentHandler(ThingHappened, { batch: 50 })
    async all(@Payload() things: ThingHappened[], @Ctx() contexts: EventContext[]) {
      for (const [index, thing] of things.entries()) {
        const context = contexts[index]!;
        if (!(thing instanceof ThingHappened) || thing.id !== context.id) throw new Error('not what was fed');
        if (thing.id.endsWith('throws')) throw new Error('a failure of its own');
        if (thing.id.endsWith('sql')) await this.dataSource.query('SELECT 1 / 0');
        const causedBy = thing.id.endsWith('uncaused') ? {} : { causedBy: context };
        const { id } = await this.outbox.publish(new ThingDone(), causedBy);
        await this.write('batch', context.id, `${context.idempotencyKey} ${id}`);
      }
    }

    @IdempotentHandler(ThingHappened)
    async one(@Payload() _: ThingHappened, @Ctx() { id }: EventContext) {
      await this.write('single', id);
    }

    @IdempotentHandler(ThingHappened, { batch: 50 })
    async piped(
      @Payload(new ParseArrayPipe({ items: ThingHappened })) things: ThingHappened[],
      @Ctx() contexts: EventContext[],
    ) {
      for (const [index] of things.entries()) await this.write('piped', contexts[index]!.id);
    }

    private async write(handler: string, eventId: string, note = ''): Promise<void> {
      await this.dataSource.query('INSERT INTO ledger (handler, event_id, note) VALUES ($1, $2, $3)', [
        handler,
        eventId,
        note,
      ]);
    }
  }

  @Module({
    imports: [world.typeOrm(), world.exactlyOnce({ batch: { maxOpenMs: 5_000 } })],
    controllers: [ThingHandlers],
  })
  class MainModule {}

  await world.start(MainModule, (app) =>
    app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true })),
  );
}
