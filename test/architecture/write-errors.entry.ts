/**
 * Writes the page of errors from core's table: `npm run docs:errors`, from the repository's root.
 * Run it after every change of the table; the architecture spec reminds.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorsPage, errorsPagePath } from './errors-page.js';

mkdirSync(dirname(errorsPagePath), { recursive: true });
writeFileSync(errorsPagePath, errorsPage());
