/**
 * The shop: the domains of four services in one process, on one database, which is also the broker. The very modules
 * that run as processes of their own elsewhere; only what they stand on is said here.
 */
import { CreateNotificationTables, NotificationsModule } from '@exactly-once/app-notifications';
import { CreateOrderTables, OrdersModule } from '@exactly-once/app-orders';
import { CreatePaymentTables, PaymentsModule } from '@exactly-once/app-payments';
import { CreateShippingTables, ShippingModule } from '@exactly-once/app-shipping';
import { hasCode } from '@exactly-once/core';
import { databaseBroker, ExactlyOnceModule, type ExactlyOnceOptions } from '@exactly-once/nestjs';
import { embeddedPostgres, typeOrmStorage } from '@exactly-once/typeorm';
import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule, type TypeOrmModuleOptions } from '@nestjs/typeorm';

/** A PostgreSQL server by its URL, or a folder for the embedded one. */
export type ShopDatabase = { readonly url: string } | { readonly folder: string };

/** What stands in place of the shop's own. */
export type ShopPorts = Partial<Pick<ExactlyOnceOptions, 'storage' | 'broker' | 'batch' | 'dedupCacheSize'>>;

/** Milliseconds after which the next process takes over from one that died. */
export const takeOverMs = 2_000;

@Module({})
export class ShopModule {
  static on(database: ShopDatabase, ports: ShopPorts = {}): DynamicModule {
    return {
      module: ShopModule,
      imports: [
        TypeOrmModule.forRoot({
          ...connectionTo(database),
          autoLoadEntities: true,
          toRetry: (error: unknown) => !hasCode(error, 'EO_FOLDER_IN_USE'),
          migrations: [
            CreateOrderTables,
            CreatePaymentTables,
            CreateShippingTables,
            CreateNotificationTables,
          ],
          migrationsRun: true,
        }),
        ExactlyOnceModule.forRoot({
          service: 'shop',
          unhandled: 'stop',
          storage: typeOrmStorage({ migrate: true }),
          broker: databaseBroker({ sessionTimeoutMs: takeOverMs }),
          relay: { leaseMs: takeOverMs },
          ...ports,
        }),
        OrdersModule,
        PaymentsModule,
        ShippingModule,
        NotificationsModule,
      ],
    };
  }
}

function connectionTo(database: ShopDatabase): TypeOrmModuleOptions {
  return 'url' in database ? { type: 'postgres', url: database.url } : embeddedPostgres(database);
}
