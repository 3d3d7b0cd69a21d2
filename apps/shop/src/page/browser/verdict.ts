/**
 * The audit and the crashes: the two things that are also read out when they change.
 * A verdict is told by its words and its sign; its colour only agrees with them.
 */
import type { Audit, Crash } from '../show-state.js';
import { made, part, say } from './part-of-page.js';
import { crashWords, many, number, time, verdictWords } from './plain-words.js';

export function showAudit(audit: Audit | null): void {
  const card = part('audit', HTMLElement);
  card.dataset['verdict'] = audit === null ? 'none' : audit.clean ? 'clean' : 'wrong';
  showFindings(audit?.findings ?? []);
  const counts = { 'lost-count': audit?.lost, 'doubled-count': audit?.doubled, 'torn-count': audit?.torn };
  for (const [id, count] of Object.entries(counts))
    say(part(id, HTMLElement), count === undefined ? '–' : number(count));
  if (audit === null) {
    say(part('audit-sign', HTMLElement), '…');
    say(part('audit-verdict', HTMLElement), 'Not audited yet');
    say(part('audit-note', HTMLElement), 'The first audit comes when the first orders are finished.');
    return;
  }
  say(part('audit-sign', HTMLElement), audit.clean ? '✓' : '!');
  say(part('audit-verdict', HTMLElement), verdictWords(audit));
  say(
    part('audit-note', HTMLElement),
    `${many(audit.checked, 'order')} checked in the shop’s own books at ${time(audit.atMs)}, without asking the framework.`,
  );
}

function showFindings(findings: readonly string[]): void {
  part('findings', HTMLElement).hidden = findings.length === 0;
  fill(
    part('findings-list', HTMLElement),
    findings.map((finding) => [made('span', '', finding)]),
  );
}

/** The latest on top. */
export function showCrashes(crashes: readonly Crash[]): void {
  const last = crashes.at(-1);
  say(
    part('crash-line', HTMLElement),
    last === undefined
      ? 'Not killed yet'
      : `Killed ${many(crashes.length, 'time')}, last at ${time(last.atMs)}`,
  );
  fill(
    part('crash-list', HTMLElement),
    crashes
      .map((crash) => [made('span', 'at', time(crash.atMs)), made('span', '', crashWords(crash))])
      .reverse(),
  );
}

/** Leaves the list alone where it says so already. */
function fill(list: HTMLElement, lines: readonly (readonly HTMLElement[])[]): void {
  const items = lines.map((line) => {
    const item = made('li', '');
    item.append(...line);
    return item;
  });
  const same = items.every((item, index) => item.textContent === list.children[index]?.textContent);
  if (!same || list.childElementCount !== items.length) list.replaceChildren(...items);
}
