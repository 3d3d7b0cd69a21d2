/**
 * What another workspace composes of this service: its domain without any `forRoot`, and the migration of its tables.
 * `main.ts` is the service as a process of its own.
 */
export { CreateNotificationTables } from './migrations/1-create-tables.js';
export { type Mail, MailProvider } from './notifications/mail-provider.js';
export { Notification } from './notifications/notification.entity.js';
export { NotificationsModule } from './notifications/notifications.module.js';
