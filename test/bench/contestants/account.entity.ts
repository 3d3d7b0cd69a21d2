/** One of the accounts that the events of the contended benchmark pay into. */
import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('account')
export class AccountEntity {
  @PrimaryColumn('int')
  id!: number;

  @Column('bigint')
  cents!: string;
}
