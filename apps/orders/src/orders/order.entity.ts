/**
 * An order as this service keeps it: written once by the request, then marked as paid by an event.
 * Its id is its event's key, so what happens to one order stays in order.
 */
import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class Order {
  @PrimaryColumn('uuid')
  id!: string;

  @Column()
  customer!: string;

  @Column('integer')
  totalCents!: number;

  @Column({ default: 'placed' })
  state!: 'placed' | 'paid';

  @CreateDateColumn()
  placedAt!: Date;
}
