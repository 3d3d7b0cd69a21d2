/**
 * Tables of the domain; those of the framework come with `typeOrmStorage({ migrate: true })`. Never edited once it
 * was released: a change is a migration of its own.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';

export class CreateTables implements MigrationInterface {
  readonly name = 'CreateTables1763942400000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE TABLE "order" (
      "id" uuid PRIMARY KEY,
      "customer" character varying NOT NULL,
      "totalCents" integer NOT NULL,
      "state" character varying NOT NULL DEFAULT 'placed',
      "placedAt" timestamp NOT NULL DEFAULT now()
    )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE "order"');
  }
}
