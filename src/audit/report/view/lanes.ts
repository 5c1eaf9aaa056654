/**
 * The swim lanes: one row a transmission, drawn only where it can be seen, so that ten thousand stay smooth. Its source text goes
 * into the page: it uses nothing but its parameters and what a browser has.
 */
import type { Row } from '../model.ts';

export interface Lanes {
  /** Shows these rows from now on. */
  show(rows: readonly Row[]): void;
  /** Selects a row of those that are shown. */
  select(index: number): void;
  /** Draws every row for paper, up to a limit, and only those in sight afterwards. */
  all(isAll: boolean): void;
}

/**
 * @param box what scrolls
 * @param space what is as high as all rows
 * @param chosen is told which row was chosen with the pointer
 */
export function lanes(
  page: Document,
  box: HTMLElement,
  space: HTMLElement,
  started: number,
  chosen: (index: number) => void,
): Lanes {
  const height = 28;
  const mostOnPaper = 5_000;
  const drawn = new Map<number, HTMLElement>();
  let rows: readonly Row[] = [];
  let selected = -1;
  let isPaper = false;
  let asked = false;

  function element(name: string, className: string, text = ''): HTMLElement {
    const made = page.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  }

  function since(at: number): string {
    const seconds = (at - started) / 1_000;
    return `+${seconds.toFixed(3)} s`;
  }

  function ranges(row: Row): string {
    const of = row.acknowledgements ?? [];
    return of
      .map((one) => {
        const shown = one.ranges
          .slice(0, 4)
          .map(([lower, upper]) => (lower === upper ? `${lower}` : `${lower}–${upper}`));
        const more = one.ranges.length > 4 ? ` +${one.ranges.length - 4}` : '';
        return `✓ ${shown.join(' ') || 'none'}${more}${one.final ? ' final' : ''}`;
      })
      .join(' ');
  }

  function remark(row: Row): string {
    const said: Record<Row['fate'], string> = {
      arrived: '',
      unknown: '',
      lost: 'lost',
      refused: `refused ${row.code ?? ''}`,
      unanswered: `no answer ${row.code ?? ''}`,
      extra: `came once more${row.code === undefined ? '' : `, refused ${row.code}`}`,
    };
    const failed = row.fate === 'arrived' && row.code !== undefined ? `no answer ${row.code}` : '';
    return said[row.fate].trim() || failed;
  }

  function classes(row: Row): string {
    const isAck = row.kind === 'acknowledgement';
    const isControl = !isAck && row.kind !== 'application' && row.kind !== 'message' && row.kind !== 'fault';
    return [
      'row',
      row.from === 0 ? 'right' : 'left',
      row.fate,
      row.copy > 0 ? 'again' : '',
      row.kind === 'fault' ? 'fault' : '',
      isAck ? 'ack' : '',
      isControl ? 'control' : '',
    ].join(' ');
  }

  function make(row: Row, index: number): HTMLElement {
    const made = element('div', classes(row));
    made.id = `row-${index}`;
    made.setAttribute('role', 'option');
    made.setAttribute('aria-selected', String(index === selected));
    made.style.top = `${index * height}px`;
    const label = element('span', 'label', row.label);
    if (row.copy > 0) label.append(element('i', '', ` · transmission ${row.copy + 1}`));
    const acks = ranges(row);
    if (acks !== '') label.append(element('i', '', ` · ${acks}`));
    const trouble = remark(row);
    if (trouble !== '') label.append(element('em', '', ` · ${trouble}`));
    if ((row.findings ?? []).length > 0) label.append(element('em', '', ' · ⚠'));
    const way = element('span', 'way');
    way.append(element('span', 'arrow'), label);
    const time = element('time', '', since(row.at));
    made.append(time, way);
    made.title = new Date(row.at).toISOString();
    return made;
  }

  function draw(): void {
    asked = false;
    const from = isPaper ? 0 : Math.max(0, Math.floor(box.scrollTop / height) - 12);
    const to = isPaper
      ? Math.min(rows.length, mostOnPaper)
      : Math.min(rows.length, Math.ceil((box.scrollTop + box.clientHeight) / height) + 12);
    for (const [index, old] of drawn) {
      if (index >= from && index < to) continue;
      old.remove();
      drawn.delete(index);
    }
    for (let index = from; index < to; index++) {
      const row = rows[index];
      if (row === undefined || drawn.has(index)) continue;
      const made = make(row, index);
      drawn.set(index, made);
      space.append(made);
    }
  }

  function ask(): void {
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  }

  box.addEventListener('scroll', ask, { passive: true });
  new ResizeObserver(ask).observe(box);
  space.addEventListener('click', (event) => {
    const target = event.target instanceof Element ? event.target.closest('.row') : null;
    if (target !== null) chosen(Number(target.id.slice(4)));
  });

  return {
    show(next) {
      rows = next;
      selected = -1;
      for (const old of drawn.values()) old.remove();
      drawn.clear();
      space.style.height = `${rows.length * height}px`;
      box.scrollTop = 0;
      draw();
    },
    select(index) {
      drawn.get(selected)?.setAttribute('aria-selected', 'false');
      selected = index;
      const head = 30;
      const top = index * height;
      if (top < box.scrollTop) box.scrollTop = top;
      else if (top + height + head > box.scrollTop + box.clientHeight)
        box.scrollTop = top + height + head - box.clientHeight;
      draw();
      drawn.get(selected)?.setAttribute('aria-selected', 'true');
      box.setAttribute('aria-activedescendant', `row-${index}`);
    },
    all(isAll) {
      isPaper = isAll;
      draw();
    },
  };
}
