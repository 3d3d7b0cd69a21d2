/**
 * A parcel that was sent.
 * No unique constraint on the order: that there is one row for each is the inbox's doing.
 */
import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
export class Shipment {
  @PrimaryGeneratedColumn('identity', { type: 'bigint' })
  id!: string;

  @Column('uuid')
  orderId!: string;

  /** What the customer can look the parcel up by. */
  @Column()
  trackingCode!: string;

  @CreateDateColumn({ type: 'timestamptz' })
  shippedAt!: Date;
}
