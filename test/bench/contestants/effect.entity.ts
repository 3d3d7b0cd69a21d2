/**
 * The effect of one event, as those contestants write it that use TypeORM: a row, without a constraint that would
 * hide a double.
 */
import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity('effect')
export class EffectEntity {
  @PrimaryGeneratedColumn('increment', { type: 'bigint' })
  id!: string;

  @Column('text', { name: 'order_id' })
  orderId!: string;

  @Column('int')
  cents!: number;
}
