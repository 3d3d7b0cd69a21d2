import {
  EventContext,
  EventType,
  ExactlyOnceModule,
  IdempotentHandler,
  OutboxRepository,
} from '@exactly-once/nestjs';
import {
  checkExactlyOnce,
  InMemoryBroker,
  InMemoryStorage,
  NotExactlyOnce,
  testExactlyOnce,
} from '@exactly-once/testing';
import { describe, expect, it } from '@jest/globals';
import { Controller, Injectable, Module } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';

@EventType<Asked>('asked', { topic: 'questions', key: ({ about }) => about })
class Asked {
  constructor(readonly about: string) {}
}

@EventType<Answered>('answered', { topic: 'answers' })
class Answered {
  constructor(readonly about: string) {}
}

@Injectable()
class Answers {
  readonly known: string[] = [];
  asked = 0;
}

@Controller()
class Questions {
  constructor(
    private readonly outbox: OutboxRepository,
    private readonly answers: Answers,
  ) {}

  @IdempotentHandler(Asked)
  async answer(@Payload() { about }: Asked) {
    if (about === 'nothing') throw new Error('asked about nothing');
    if (about === 'later' && this.answers.asked++ === 0) throw new Error('not yet');
    await this.outbox.publish(new Answered(about));
  }

  @IdempotentHandler(Answered)
  async keep(@Payload() { about }: Answered) {
    this.answers.known.push(about);
  }
}

@Module({ controllers: [Questions], providers: [Answers] })
class QuestionsModule {}

describe('a module without a database', () => {
  it('is tested in memory, and its own handlers get what it publishes', async () => {
    const app = await testExactlyOnce(QuestionsModule);

    const outcome = await app.deliverTwice(new Asked('weather'));

    expect(outcome).toBe('handled');
    expect(app.published(Answered)).toMatchObject([{ topic: 'answers', data: { about: 'weather' } }]);
    expect(app.get(Answers).known).toEqual(['weather']);
    await app.close();
  });

  it.each(['later', 'nothing'])('says of a copy that it is one, also after retries: %s', async (about) => {
    const app = await testExactlyOnce(QuestionsModule);

    await expect(app.deliver(new Asked(about), { id: 'e-1' })).rejects.toThrow('attempt 1 failed');
    await app.clock.advance(60_000);

    expect(await app.deliver(new Asked(about), { id: 'e-1' })).toBe('duplicate');
    await app.close();
  });

  it('lets a later event wait behind a failed one of its key', async () => {
    const app = await testExactlyOnce(QuestionsModule);

    await expect(app.deliver(new Asked('nothing'))).rejects.toThrow('attempt 1 failed');
    await expect(app.deliver(new Asked('nothing'))).rejects.toThrow('behind an earlier one');
    await expect(app.deliver(new Asked('all'), { key: 'all' })).resolves.toBe('handled');
    await app.close();
  });

  it('says where an event waits in its place', async () => {
    const app = await testExactlyOnce(QuestionsModule, {
      exactlyOnce: { order: 'partition', retry: { attempts: 2, backoffMs: 500 } },
    });

    await expect(app.deliver(new Asked('nothing'))).rejects.toThrow('clock.advance(499)');
    await app.clock.advance(499);
    expect(await app.deadLetters()).toMatchObject([{ type: 'asked', attempts: 2 }]);
    await app.close();
  });
});

describe('a whole module', () => {
  it('keeps its options, but for storage and broker', async () => {
    @Module({
      imports: [
        ExactlyOnceModule.forRoot({
          service: 'quiz',
          unhandled: 'dead-letter',
          storage: { inject: [], create: () => Promise.reject(new Error('the real storage')) },
          broker: { inject: [], create: () => new InMemoryBroker() },
          retry: { attempts: 1 },
        }),
        QuestionsModule,
      ],
    })
    class MainModule {}
    const app = await testExactlyOnce(MainModule);

    await expect(app.deliver(new Asked('nothing'))).rejects.toMatchObject({ fate: 'dead-lettered' });

    expect(await app.deadLetters()).toMatchObject([{ handler: 'quiz/Questions.answer' }]);
    await app.close();
  });
});

describe('a batch handler', () => {
  @Controller()
  class Batches {
    constructor(private readonly outbox: OutboxRepository) {}

    @IdempotentHandler(Asked, { batch: 10 })
    async answer(@Payload() asked: Asked[], @Ctx() contexts: EventContext[]) {
      for (const [index, { about }] of asked.entries()) {
        await this.outbox.publish(new Answered(about), { causedBy: contexts[index]! });
      }
    }
  }

  @Module({ controllers: [Batches] })
  class BatchesModule {}

  it('is tested and checked like any other', async () => {
    const app = await testExactlyOnce(BatchesModule);

    expect(await app.deliver(new Asked('weather'))).toBe('handled');
    expect(await checkExactlyOnce(app, [new Asked('sun'), new Asked('rain')])).toMatchObject({
      notes: [expect.stringMatching(/^no table was compared: the module imports no TypeOrmModule/)],
    });
    expect(app.published()).toMatchObject([{ data: { about: 'weather' } }]);
    await app.close();
  });
});

describe('checkExactlyOnce without a database', () => {
  @Controller()
  class Careless {
    #asked = 0;

    constructor(private readonly outbox: OutboxRepository) {}

    @IdempotentHandler(Asked)
    async answer(@Payload() { about }: Asked) {
      this.#asked++;
      await this.outbox.publish(
        new Answered(about === 'counted' ? `answer ${this.#asked}` : `${Math.random()}`),
      );
    }
  }

  @Controller()
  class Keyed {
    @IdempotentHandler(Asked)
    async answer(@Ctx() { event, id }: EventContext) {
      throw new Error(`asked ${id} ${event.key} ${event.headers['tenant']}`);
    }
  }

  @Module({ controllers: [Keyed] })
  class KeyedModule {}

  @Module({ controllers: [Careless] })
  class CarelessModule {}

  it.each([
    ['chance', 'event-random', /"answered" is published with a `about` that is another one each time/],
    ['counted', 'memory', /remembers its first call.*"answer 2" instead of "answer 1"/],
  ])('finds what hangs on more than the event: %s', async (about, kind, what) => {
    const app = await testExactlyOnce(CarelessModule);

    const found = await checkExactlyOnce(app, new Asked(about)).catch(
      (error: unknown) => error as NotExactlyOnce,
    );

    expect(found).toBeInstanceOf(NotExactlyOnce);
    expect((found as NotExactlyOnce).findings).toMatchObject([{ kind, what: expect.stringMatching(what) }]);
    await app.close();
  });

  it('delivers the events as it is told to', async () => {
    const app = await testExactlyOnce(KeyedModule);

    const checked = checkExactlyOnce(app, [new Asked('x')], {
      delivery: (_, index) => ({ id: `e-${index}`, key: 'k', headers: { tenant: 't' } }),
    });

    await expect(checked).rejects.toThrow('asked e-0 k t');
    await app.close();
  });

  it.each([
    ['no event', [], 'was given no event'],
    ['an object of no event class', { about: 'x' }, 'EO_EVENT_TYPE_MISSING'],
  ])('refuses %s', async (_, events, message) => {
    const app = await testExactlyOnce(CarelessModule);

    await expect(checkExactlyOnce(app, events)).rejects.toThrow(message);
    await app.close();
  });
});

describe('a stand-in for a provider', () => {
  it('stands where an imported module declares it, and in this test only', async () => {
    @Module({ imports: [QuestionsModule], providers: [] })
    class Outer {}
    const standIn = { known: [] as string[], asked: 1 };
    const app = await testExactlyOnce(Outer, { override: [[Answers, standIn]] });

    await app.deliver(new Asked('later'));
    const other = await testExactlyOnce(Outer);

    expect(standIn.known).toEqual(['later']);
    expect(other.get(Answers)).toBeInstanceOf(Answers);
    await app.close();
    await other.close();
  });

  it('is refused where nothing provides what it stands for', async () => {
    const refused = testExactlyOnce(QuestionsModule, { override: [[InMemoryStorage, {}]] });

    await expect(refused).rejects.toThrow('`override` names InMemoryStorage, which no module provides');
  });
});

it('checkExactlyOnce refuses what to ignore where it is in no known form', async () => {
  const app = await testExactlyOnce(QuestionsModule);

  const refused = checkExactlyOnce(app, new Asked('x'), { ignore: ['answered'] });

  await expect(refused).rejects.toThrow('holds "answered"; it takes');
  await app.close();
});

describe('testExactlyOnce', () => {
  it.each([
    [
      'an option that is not known',
      QuestionsModule,
      { databse: 'own' },
      /unknown option "databse".*did you mean/i,
    ],
    ['a class that is no module', Answers, {}, /was given Answers, which is no class with @Module/],
    ['a database of another kind', QuestionsModule, { database: { type: 'mysql' } }, /"mysql"; "postgres"/],
    ['no module', undefined, {}, /was given undefined/],
  ])('refuses %s', async (_, module, options, message) => {
    await expect(testExactlyOnce(module, options as object)).rejects.toThrow(message);
  });

  it('says that handlers in Kafka transactions are not for it', async () => {
    @Controller()
    class Transforming {
      @IdempotentHandler(Asked, { transaction: 'kafka' })
      async answer() {}
    }
    @Module({ controllers: [Transforming] })
    class TransformingModule {}

    await expect(testExactlyOnce(TransformingModule)).rejects.toThrow(/transaction/);
  });

  it('tells what the start of the module gives', async () => {
    @Module({ controllers: [Questions] })
    class Incomplete {}

    await expect(testExactlyOnce(Incomplete)).rejects.toThrow(/resolve dependencies of the Questions/);
  });

  it('leaves nothing behind that keeps another one from starting', async () => {
    for (let round = 0; round < 2; round++) {
      const app = await testExactlyOnce(QuestionsModule);
      await app.close();
      await app.close();
    }
    expect(new InMemoryStorage().name).toBe('memory');
  });
});
