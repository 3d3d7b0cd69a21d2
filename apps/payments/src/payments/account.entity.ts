/**
 * What has been taken in: one row, to which each payment adds in its transaction.
 * A sum remembers nothing, so a payment that was added twice stays in it for ever: it must equal its payments.
 */
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity()
export class Account {
  @PrimaryColumn()
  name!: string;

  /** A `bigint`, which comes as text. */
  @Column('bigint')
  cents!: string;
}

/** Made by the migration. */
export const takings = 'takings';
