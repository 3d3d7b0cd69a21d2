import { ExactlyOnceModule } from '@exactly-once/nestjs';
import { InMemoryBroker, InMemoryStorage, testExactlyOnce } from '@exactly-once/testing';
import { describe, expect, it } from '@jest/globals';
import { type DynamicModule, forwardRef, Module, type Type } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';

const real = { type: 'postgres' as const, url: 'postgres://nobody@127.0.0.1:1/none', retryAttempts: 0 };

/** A module that imports one that imports `root`. */
function appWith(root: DynamicModule): Type {
  @Module({ imports: [root] })
  class DatabaseModule {}
  @Module({ imports: [forwardRef(() => DatabaseModule)] })
  class AppModule {}
  return AppModule;
}

describe('testExactlyOnce starts nothing that would connect to real servers', () => {
  it.each([
    [
      'forRoot',
      TypeOrmModule.forRoot(real),
      /: AppModule → DatabaseModule → TypeOrmModule\.forRoot\(\) would/,
    ],
    [
      'forRootAsync',
      TypeOrmModule.forRootAsync({ useFactory: () => real }),
      /: AppModule → DatabaseModule → TypeOrmModule\.forRoot\(\) would/,
    ],
    [
      'a named DataSource',
      TypeOrmModule.forRoot({ ...real, name: 'audit' }),
      /TypeOrmModule\.forRoot\(\{ name: "audit" \}\) would connect.*otherDataSources: 'connect'/,
    ],
    [
      'an ExactlyOnceModule',
      ExactlyOnceModule.forRoot({
        service: 'real',
        unhandled: 'skip',
        storage: { inject: [], create: () => new InMemoryStorage() },
        broker: { inject: [], create: () => new InMemoryBroker() },
      }),
      /: AppModule → DatabaseModule → ExactlyOnceModule\.forRoot\(\) would connect to the real database and broker/,
    ],
  ])('in a module that the tested one imports: %s', async (_, root, message) => {
    await expect(testExactlyOnce(appWith(root))).rejects.toThrow(message);
  });

  it('in the tested module itself, where the DataSource has a name', async () => {
    @Module({ imports: [TypeOrmModule.forRoot(real), TypeOrmModule.forRoot({ ...real, name: 'audit' })] })
    class AppModule {}

    await expect(testExactlyOnce(AppModule)).rejects.toThrow(
      /AppModule → TypeOrmModule\.forRoot\(\{ name: "audit"/,
    );
  });

  it('and asks for the options that it cannot compute', async () => {
    const computed = TypeOrmModule.forRootAsync({ inject: ['URL'], useFactory: (url) => ({ ...real, url }) });
    @Module({ imports: [computed] })
    class AppModule {}

    await expect(testExactlyOnce(AppModule)).rejects.toThrow(
      /computes the options.*say in `typeOrm` which entities/,
    );
  });

  it('in what the test itself imports', async () => {
    @Module({ providers: [] })
    class Domain {}

    const refused = testExactlyOnce(Domain, { imports: [appWith(TypeOrmModule.forRoot(real))] });

    await expect(refused).rejects.toThrow(/options\.imports → AppModule → DatabaseModule → TypeOrmModule/);
  });
});
