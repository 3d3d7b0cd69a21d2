/**
 * The domain: its handlers and their table.
 * No forRoot, so it runs alone or beside others in a process.
 */
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Notification } from './notification.entity.js';
import { OrderHandlers } from './order.handlers.js';

@Module({
  imports: [TypeOrmModule.forFeature([Notification])],
  controllers: [OrderHandlers],
})
export class NotificationsModule {}
