/**
 * Tables of the domain; those of the framework come with `typeOrmStorage({ migrate: true })`. Never edited once it
 * was released: a change is a migration of its own. Its name is unlike those of the other services, which may share
 * this database and its list of migrations.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateOrderTables implements MigrationInterface {
  readonly name = 'CreateOrderTables1763942400000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE "order" (
      "id" uuid PRIMARY KEY,
      "customer" character varying NOT NULL,
      "totalCents" integer NOT NULL,
      "placedAt" timestamptz NOT NULL DEFAULT now(),
      "paidCents" integer NOT NULL DEFAULT 0,
      "shippedAt" timestamptz,
      "cancelledAt" timestamptz,
      "state" character varying NOT NULL GENERATED ALWAYS AS (CASE
        WHEN "cancelledAt" IS NOT NULL THEN 'cancelled'
        WHEN "shippedAt" IS NOT NULL THEN 'shipped'
        WHEN "paidCents" > 0 THEN 'paid'
        ELSE 'placed'
      END) STORED
    )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE "order"');
  }
}
