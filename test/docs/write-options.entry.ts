/**
 * Writes the page of options from the doc comments: `npm run docs:options`, from the repository's root.
 * Run it after every change of an option; the spec beside it reminds.
 */
import { writeFileSync } from 'node:fs';
import { optionsPage, optionsPagePath } from './options-page.js';

writeFileSync(optionsPagePath, optionsPage());
