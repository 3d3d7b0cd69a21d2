/**
 * The domain: its handlers and their table. No forRoot, so it runs alone or beside others in a process.
 * MAIL_PROVIDER_URL names who sends the mail; without it a notification is a row and nothing else.
 */
import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { HttpMailProvider } from './http-mail-provider.js';
import { MailProvider, NoMailProvider } from './mail-provider.js';
import { Notification } from './notification.entity.js';
import { OrderHandlers } from './order.handlers.js';

@Module({
  imports: [TypeOrmModule.forFeature([Notification])],
  controllers: [OrderHandlers],
  providers: [
    {
      provide: MailProvider,
      useFactory: () => {
        const { MAIL_PROVIDER_URL: url } = process.env;
        return url ? new HttpMailProvider(url) : new NoMailProvider();
      },
    },
  ],
})
export class NotificationsModule {}
