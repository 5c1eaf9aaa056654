/**
 * One message in full: what it says of itself, what was found, and its XML with what signatures cover painted onto it. Its source
 * text goes into the page: it uses nothing but its parameters and what a browser has.
 */
import type { Paint, ReportModel, Row } from '../model.ts';

/** @param pane where it is shown */
export function message(page: Document, pane: HTMLElement, model: ReportModel, row: Row): void {
  const longest = 200_000;

  function add(to: HTMLElement, name: string, text: string, className = ''): HTMLElement {
    const made = page.createElement(name);
    made.textContent = text;
    made.className = className;
    to.append(made);
    return made;
  }

  function facts(): readonly (readonly [string, string | undefined])[] {
    const sequence = row.sequence === undefined ? undefined : model.sequences[row.sequence];
    const acks = (row.acknowledgements ?? []).map(
      (one) =>
        `${one.ranges.map(([lower, upper]) => (lower === upper ? `${lower}` : `${lower}–${upper}`)).join(', ') || 'none'}${
          one.nacks === undefined ? '' : `, missing ${one.nacks.join(', ')}`
        }${one.final ? ', final' : ''} of ${model.sequences[one.sequence]?.id ?? '?'}`,
    );
    const fates: Record<Row['fate'], string> = {
      arrived: 'arrived',
      lost: 'lost: the other end recorded, and it is not there',
      refused: `refused by security${row.code === undefined ? '' : `: ${row.code}`}`,
      unanswered: `no answer came${row.code === undefined ? '' : `: ${row.code}`}`,
      extra: 'arrived once more than it was sent',
      unknown: 'not known: only one end recorded',
    };
    return [
      [
        'from',
        `${model.ends[row.from] ?? ''} to ${model.ends[1 - row.from] ?? ''} (${row.leg} of exchange ${row.exchange})`,
      ],
      ['sent', new Date(row.at).toISOString()],
      [
        'arrived',
        row.arrived === undefined
          ? undefined
          : `${new Date(row.arrived).toISOString()}, ${row.arrived - row.at} ms later`,
      ],
      ['what became of it', fates[row.fate]],
      ['action', row.action],
      ['MessageID', row.messageId],
      ['RelatesTo', row.relatesTo],
      ['sequence', sequence?.id],
      [
        'number',
        row.number === undefined ? undefined : `${row.number}${row.copy > 0 ? `, transmission ${row.copy + 1}` : ''}`,
      ],
      ['acknowledges', acks.length === 0 ? undefined : acks.join('; ')],
      ['fault', row.fault],
      ['proven identity', row.accepted === true ? row.identity : undefined],
      ['octets', String(row.octets)],
      ['record', String(row.n)],
    ];
  }

  /** One line a tag, and which stretches of it are painted how. */
  function painted(xml: string, paint: readonly Paint[], holds: boolean): HTMLElement {
    const pre = page.createElement('pre');
    const tokens = xml
      .slice(0, longest)
      .matchAll(/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<(?:[^"'>]|"[^"]*"|'[^']*')*>|[^<]+/g);
    let depth = 0;
    let isOpen = false;
    for (const token of tokens) {
      const text = token[0];
      const at = token.index;
      const isTag = text.startsWith('<') && !text.startsWith('<!');
      const isEnd = text.startsWith('</');
      if (isEnd) depth--;
      const own = isTag && !(isEnd && isOpen);
      const lead = own && at > 0 ? `\n${'  '.repeat(Math.max(0, depth))}` : '';
      const isSealed = paint.some(([from, to, what]) => what === 'encrypted' && at >= from && at < to);
      const isSigned = paint.some(([from, to, what]) => what === 'signed' && at >= from && at < to);
      if (lead !== '') pre.append(lead);
      const piece = page.createElement('mark');
      piece.textContent = text;
      piece.className = `${isSealed ? 'sealed' : isSigned ? (holds ? 'holds' : 'claims') : ''}${isTag ? ' tag' : ''}`;
      pre.append(piece);
      isOpen = isTag && !isEnd && !text.endsWith('/>') && !text.startsWith('<?');
      if (isOpen) depth++;
    }
    return pre;
  }

  pane.replaceChildren();
  pane.scrollTop = 0;
  add(pane, 'h2', row.label);
  const list = add(pane, 'dl', '');
  for (const [name, value] of facts()) {
    if (value === undefined || value === '') continue;
    add(list, 'dt', name);
    add(list, 'dd', value);
  }
  const found = (row.findings ?? []).flatMap((index) => model.findings[index] ?? []);
  if (found.length > 0) {
    add(pane, 'h2', 'What verification found');
    const items = add(pane, 'ul', '');
    for (const one of found) add(items, 'li', `${one.code}: ${one.what}`, one.weight);
  }
  const text = row.text === undefined ? undefined : model.texts[row.text];
  add(pane, 'h2', 'Message');
  if (text === undefined) {
    add(pane, 'p', row.withheld ?? 'The text was left out to keep this page small.', 'hint');
    return;
  }
  const holds = row.accepted === true && found.every(({ weight }) => weight === 'note');
  const legend = add(pane, 'p', '', 'legend');
  if (text.paint.some(([, , what]) => what === 'signed')) {
    add(
      legend,
      'mark',
      holds ? 'signed, and the receiver verified it' : 'a signature refers to it',
      holds ? 'holds' : 'claims',
    );
  }
  if (text.paint.some(([, , what]) => what === 'encrypted')) add(legend, 'mark', 'encrypted', 'sealed');
  if (text.paint.length === 0) add(legend, 'span', 'No signature refers to anything in it.', 'hint');
  pane.append(painted(text.xml, text.paint, holds));
  if (text.xml.length > longest) add(pane, 'p', `${text.xml.length - longest} characters more are not shown.`, 'hint');
}
