/**
 * An order as this service keeps it: written once by the request, then completed by events of other services.
 * Each event adds a fact of its own and no fact replaces another, so it does not matter in which order they come: an
 * order that is said to be shipped before it is said to be paid ends as any other.
 */
import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

export type OrderState = 'placed' | 'paid' | 'shipped' | 'cancelled';

@Entity()
export class Order {
  @PrimaryColumn('uuid')
  id!: string;

  @Column()
  customer!: string;

  @Column('integer')
  totalCents!: number;

  @CreateDateColumn({ type: 'timestamptz' })
  placedAt!: Date;

  /** Sum of the payments that were heard of. */
  @Column('integer', { default: 0 })
  paidCents!: number;

  @Column('timestamptz', { nullable: true })
  shippedAt!: Date | null;

  @Column('timestamptz', { nullable: true })
  cancelledAt!: Date | null;

  /** Follows from the facts above, in the database: nobody can write it. */
  @Column({ type: 'varchar', insert: false, update: false, default: 'placed' })
  state!: OrderState;
}
