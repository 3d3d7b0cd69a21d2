/** An order as this service keeps it. */
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
