/**
 * What a customer is told. The row is the effect that happens once; the mail is another system's, called at least once.
 * No unique constraint on the order: that there is one row for each is the inbox's doing.
 */
import { Column, CreateDateColumn, Entity, PrimaryGeneratedColumn } from 'typeorm';

@Entity()
export class Notification {
  @PrimaryGeneratedColumn('identity', { type: 'bigint' })
  id!: string;

  @Column('uuid')
  orderId!: string;

  @Column('varchar')
  about!: 'shipped' | 'cancelled';

  @Column()
  text!: string;

  @CreateDateColumn({ type: 'timestamptz' })
  writtenAt!: Date;
}
