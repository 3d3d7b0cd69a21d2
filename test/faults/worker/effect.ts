/**
 * The two effect tables as TypeORM entities, so that handlers write as a user's would: through repositories.
 */
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

abstract class EffectRow {
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  position!: string;

  @Column('text')
  handler!: string;

  @Column('text')
  source!: string;

  /** Bytes of the id in hexadecimal. */
  @Column('text')
  id!: string;

  @Column('text')
  message!: string;

  @Column('text', { nullable: true })
  key!: string | null;

  @Column('integer')
  sequence!: number;

  /** The event's header `note`, verbatim. */
  @Column('text', { nullable: true })
  note!: string | null;

  @Column('text')
  worker!: string;
}

@Entity('effect_one')
export class EffectOne extends EffectRow {}

@Entity('effect_two')
export class EffectTwo extends EffectRow {}
