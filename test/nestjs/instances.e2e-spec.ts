import {
  type EventClass,
  EventContext,
  EventType,
  ExactlyOnce,
  ExactlyOnceModule,
  IdempotentHandler,
  InjectOutbox,
  OutboxRepository,
} from '@exactly-once/nestjs';
import { typeOrmStorage } from '@exactly-once/typeorm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Module, type Type } from '@nestjs/common';
import { Ctx } from '@nestjs/microservices';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { until } from '../services/ports.js';
import type { TestDatabase } from '../services/postgres.js';
import { NestWorld } from './nest-world.js';

@Injectable()
class Publishing {
  constructor(
    readonly exactlyOnce: ExactlyOnce,
    readonly outbox: OutboxRepository,
    @InjectOutbox('second') readonly named: OutboxRepository,
  ) {}
}

describe('several instances in one application', () => {
  let world: NestWorld;
  let second: TestDatabase;

  beforeAll(async () => {
    world = await NestWorld.open('instances');
    second = await world.postgres.createDatabase('second');
    await second.query('CREATE TABLE ledger (id bigserial, handler text, event_id text, note text)');
  });

  afterAll(async () => {
    await world.close();
    await second.drop();
  });

  it('gives each handler the database and the outbox of the instance that its module imports', async () => {
    @EventType('thing.happened', { topic: world.topic })
    class ThingHappened {}

    const FirstHandlers = handlersOn(ThingHappened, 'first');
    const SecondHandlers = handlersOn(ThingHappened, 'second', 'second');

    @Module({
      imports: [ExactlyOnceModule.forFeature('second')],
      controllers: [SecondHandlers],
      providers: [Publishing],
    })
    class SecondModule {}

    @Module({
      imports: [
        world.typeOrm(),
        world.typeOrm(second.url, 'second'),
        world.exactlyOnce(),
        world.exactlyOnce({
          name: 'second',
          service: 'other',
          storage: typeOrmStorage({ dataSource: 'second', migrate: true }),
        }),
        SecondModule,
      ],
      controllers: [FirstHandlers],
    })
    class MainModule {}
    const app = await world.start(MainModule);

    const { exactlyOnce, outbox, named } = app.get(Publishing);
    const published = await exactlyOnce.transaction(() => outbox.publish(new ThingHappened()));
    await world.handled(`first ${published.id}`);
    await until(
      'the second has it too',
      async () => (await second.query('SELECT 1 FROM ledger')).length === 1,
    );

    expect(published.source).toBe('other');
    expect(named).toBe(outbox);
    expect(await second.query('SELECT handler, event_id FROM ledger')).toEqual([
      { handler: 'second', event_id: published.id },
    ]);
    expect(await world.ledger()).toEqual([`first ${published.id}`]);
  });
});

function handlersOn(event: EventClass, label: string, dataSource?: string): Type {
  @Controller()
  class LedgerHandlers {
    constructor(@InjectDataSource(dataSource) readonly source: DataSource) {}

    @IdempotentHandler(event, { name: label })
    async handle(@Ctx() { id }: EventContext) {
      await this.source.query('INSERT INTO ledger (handler, event_id) VALUES ($1, $2)', [label, id]);
    }
  }
  return LedgerHandlers;
}
