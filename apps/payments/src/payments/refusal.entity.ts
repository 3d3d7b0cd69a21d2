/**
 * A payment that the provider refused.
 * No unique constraint on the order: that there is one row for each is the inbox's doing.
 */
import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
export class Refusal {
  @PrimaryGeneratedColumn('identity', { type: 'bigint' })
  id!: string;

  @Column('uuid')
  orderId!: string;

  @Column('integer')
  cents!: number;

  /** The provider's word for it, for example `declined`. */
  @Column()
  reason!: string;

  @CreateDateColumn({ type: 'timestamptz' })
  refusedAt!: Date;
}
