/** Writes docs/errors.md: `npm run docs:errors`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { errorsPage } from './errors-page.js';

mkdirSync('docs', { recursive: true });
writeFileSync('docs/errors.md', errorsPage());
