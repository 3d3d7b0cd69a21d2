/**
 * Writes reports to the supervisor's pipe, file descriptor 3, one JSON line each.
 *
 * Returns when the kernel has the line: a SIGKILL right after it cannot take it back.
 */
import { writeSync } from 'node:fs';
import type { Report } from './messages.js';

const descriptor = 3;

export type Tell = (report: Report) => void;

export const tellSupervisor: Tell = (report) => {
  const line = Buffer.from(`${JSON.stringify(report)}\n`);
  for (let at = 0; at < line.length; ) at += writeSync(descriptor, line, at);
};
