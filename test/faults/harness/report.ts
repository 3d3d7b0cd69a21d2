/**
 * Prints runs as one table, a line each, and says what is wrong with those that are not green.
 */
import { anomalies } from '../oracles/judge.js';
import type { RunReport } from './run-case.js';

const widths = { case: 5, broker: 10, transaction: 10, seed: 5, events: 9, fired: 6 };

export function tableHead(): string {
  const letters = anomalies.map((one) => one.padStart(3)).join('');
  const { case: number, broker, transaction, seed, events, fired } = widths;
  return `${'case'.padStart(number)}${'broker'.padStart(broker)}${'commit'.padStart(transaction)}${'seed'.padStart(seed)}${'events'.padStart(events)}${'F'.padStart(fired)}${letters}     s  fault`;
}

export function tableLine(report: RunReport): string {
  const letters = anomalies.map((one) => String(report.counts[one]).padStart(3)).join('');
  const numbers =
    String(report.case).padStart(widths.case) +
    report.broker.padStart(widths.broker) +
    report.transaction.padStart(widths.transaction) +
    String(report.seed).padStart(widths.seed) +
    String(report.events).padStart(widths.events) +
    `${report.fired}/${report.expected}`.padStart(widths.fired);
  return `${numbers}${letters}${report.seconds.toFixed(1).padStart(6)}  ${report.fault}`;
}

/** The schedule, and for a run with findings all of them and where the evidence is. */
export function details(report: RunReport): string[] {
  const lines = [`      schedule ${JSON.stringify(report.schedule)}`];
  if (Object.keys(report.measured).length > 0) {
    lines.push(`      measured ${JSON.stringify(report.measured)}`);
  }
  for (const finding of report.findings.slice(0, 4)) lines.push(`      ! ${finding}`);
  if (report.evidence !== null) lines.push(`      evidence: ${report.evidence}`);
  return lines;
}
