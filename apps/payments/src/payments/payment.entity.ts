/**
 * A payment that was captured.
 * No unique constraint on the order: that there is one row for each is the inbox's doing.
 */
import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
export class Payment {
  @PrimaryGeneratedColumn('identity', { type: 'bigint' })
  id!: string;

  @Column('uuid')
  orderId!: string;

  @Column('integer')
  cents!: number;

  /** What the provider calls this charge. */
  @Column()
  chargeId!: string;

  @CreateDateColumn({ type: 'timestamptz' })
  capturedAt!: Date;
}
