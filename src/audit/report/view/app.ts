/**
 * The page put together: sequences, filters, search, keyboard, theme. Its source text goes into the page, and the parts it is given
 * with it: it uses nothing but its parameters and what a browser has.
 */
import type { ReportModel, ReportSequence, Row } from '../model.ts';
import type { growth } from './growth.ts';
import type { lanes } from './lanes.ts';
import type { message } from './message.ts';

export interface Parts {
  readonly lanes: typeof lanes;
  readonly growth: typeof growth;
  readonly message: typeof message;
}

export function app(page: Document, parts: Parts): void {
  const found = (id: string): HTMLElement => {
    const element = page.getElementById(id);
    if (element === null) throw new Error(`The page has no ${id}.`);
    return element;
  };
  const model = JSON.parse(found('report').textContent ?? '') as ReportModel;
  const search = found('search') as HTMLInputElement;
  const kind = found('kind') as HTMLSelectElement;
  const canvas = found('growth') as HTMLCanvasElement;
  const help = found('help') as HTMLDialogElement;
  const box = found('lanes');
  let shown: readonly Row[] = [];
  let selected = -1;
  let sequence = model.sequences.length === 1 ? 0 : -1;

  const filters: Record<string, (row: Row) => boolean> = {
    all: () => true,
    application: (row) => row.kind === 'application',
    trouble: (row) =>
      row.fate === 'lost' ||
      row.fate === 'refused' ||
      row.fate === 'unanswered' ||
      row.fate === 'extra' ||
      row.kind === 'fault' ||
      (row.findings ?? []).length > 0,
    again: (row) => row.copy > 0,
    acknowledgements: (row) => (row.acknowledgements ?? []).length > 0,
    control: (row) => !['application', 'acknowledgement', 'message', 'fault'].includes(row.kind),
  };

  function make(name: string, text: string, className = ''): HTMLElement {
    const made = page.createElement(name);
    made.textContent = text;
    made.className = className;
    return made;
  }

  function holds(row: Row, words: readonly string[]): boolean {
    const of = [row.label, row.action, row.messageId, row.fault, row.code, row.fate, String(row.number ?? '')];
    const text = row.text === undefined ? '' : (model.texts[row.text]?.xml ?? '');
    const all = `${of.join(' ')} ${text}`.toLowerCase();
    return words.every((word) => all.includes(word));
  }

  function filter(): void {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = filters[kind.value] ?? (() => true);
    const isOf = (row: Row): boolean =>
      sequence < 0 ||
      row.sequence === sequence ||
      (row.acknowledgements ?? []).some((one) => one.sequence === sequence);
    shown = model.rows.filter((row) => isOf(row) && fits(row) && (words.length === 0 || holds(row, words)));
    selected = -1;
    drawing.show(shown);
    found('count').textContent = `${shown.length} of ${model.rows.length} transmissions`;
    if (shown.length > 0) choose(0);
    else found('detail').replaceChildren(make('p', 'Nothing fits this filter.', 'hint'));
  }

  function choose(index: number): void {
    const next = Math.max(0, Math.min(shown.length - 1, index));
    const row = shown[next];
    if (row === undefined) return;
    selected = next;
    drawing.select(next);
    parts.message(page, found('detail'), model, row);
  }

  function jump(step: number): void {
    const { trouble: isTrouble } = filters;
    for (let index = selected + step; index >= 0 && index < shown.length; index += step) {
      const row = shown[index];
      if (row !== undefined && isTrouble?.(row)) {
        choose(index);
        return;
      }
    }
  }

  function grow(): void {
    const of = sequence >= 0 ? sequence : model.sequences.findIndex((one) => one.messages > 0);
    found('growing').hidden = of < 0;
    if (of >= 0) parts.growth(canvas, model.rows, of);
  }

  function card(one: ReportSequence, index: number): HTMLElement {
    const made = make('button', '', 'card');
    const state =
      one.terminated !== undefined
        ? 'terminated'
        : one.closed !== undefined
          ? 'closed'
          : one.isFinal
            ? 'final'
            : 'open';
    const head = make('span', `${model.ends[one.from] ?? 'nobody'} sends · WS-RM ${one.version || '?'} · ${state}`);
    if (one.verdict !== undefined) head.append(' ', make('b', one.verdict, one.verdict));
    made.append(
      make('b', one.id),
      head,
      make('span', `${one.messages} messages, ${one.acknowledged} acknowledged`),
      make('span', `${one.transmissions} transmissions, ${one.lost} lost, ${one.refused} refused`),
    );
    for (const who of one.identities.slice(0, 3)) made.append(make('span', who.slice(0, 40)));
    made.addEventListener('click', () => pick(sequence === index ? -1 : index));
    return made;
  }

  function pick(index: number): void {
    sequence = index;
    [...found('cards').children].forEach((one, at) => void one.setAttribute('aria-pressed', String(at === index)));
    filter();
    grow();
  }

  function theme(): void {
    const root = page.documentElement;
    const { theme: chosen } = root.dataset;
    const isDark = chosen === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : chosen === 'dark';
    root.setAttribute('data-theme', isDark ? 'light' : 'dark');
    grow();
  }

  const keys: Record<string, () => void> = {
    ArrowDown: () => choose(selected + 1),
    j: () => choose(selected + 1),
    ArrowUp: () => choose(selected - 1),
    k: () => choose(selected - 1),
    PageDown: () => choose(selected + 20),
    PageUp: () => choose(selected - 20),
    Home: () => choose(0),
    End: () => choose(shown.length - 1),
    n: () => jump(1),
    p: () => jump(-1),
    t: theme,
    '/': () => search.focus(),
    '?': () => help.showModal(),
  };

  const drawing = parts.lanes(page, box, found('rows'), model.rows[0]?.at ?? 0, choose);
  page.title = model.title;
  found('title').textContent = model.title;
  const badge = found('verdict');
  badge.textContent = model.verdict ?? 'not verified';
  badge.classList.add(model.verdict ?? 'unchecked');
  found('left').textContent = model.ends[0] ?? '';
  found('right').textContent = model.ends[1] ?? '';
  found('cards').append(...model.sequences.map(card));
  found('remarks').append(...model.remarks.map((one) => make('li', one)));
  const general = model.findings.filter((_, index) => !model.rows.some((row) => (row.findings ?? []).includes(index)));
  found('remarks').append(...general.map((one) => make('li', `${one.code}: ${one.what}`, one.weight)));
  found('made').textContent = `${model.sources.join(', ')} · drawn ${new Date(model.made).toISOString()}`;

  search.addEventListener('input', filter);
  kind.addEventListener('change', filter);
  found('theme').addEventListener('click', theme);
  found('print').addEventListener('click', () => print());
  found('keys').addEventListener('click', () => help.showModal());
  addEventListener('beforeprint', () => drawing.all(true));
  addEventListener('afterprint', () => drawing.all(false));
  addEventListener('resize', grow);
  page.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (isTyping) {
      if (event.key === 'Escape' || event.key === 'Enter') box.focus();
      return;
    }
    const action = keys[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
  pick(sequence);
  box.focus();
}
