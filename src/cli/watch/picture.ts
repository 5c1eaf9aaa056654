/** Sequences as text: a line each, with a bar of what is done, under way and waiting, and a line for what went wrong. */
import type { Sequence } from './sequences.ts';

export interface Canvas {
  /** Characters in a line; 80 are enough for everything but long reasons. */
  readonly columns: number;
  /** Lines at most. */
  readonly rows: number;
  readonly colour: boolean;
}

const BAR = 15;
const heading = '  sequence  state      █done ▒open ░wait  done    open  wait resent  lost  dups';

type Paint = (code: number, text: string) => string;

const painted: Paint = (code, text) => (text === '' ? '' : `\x1b[${code}m${text}\x1b[0m`);
const plain: Paint = (_, text) => text;
const [RED, GREEN, YELLOW, DIM] = [31, 32, 33, 2];

/**
 * The picture.
 *
 * @returns its lines, none longer than the canvas; none at all where there is no sequence
 */
export function picture(sequences: readonly Sequence[], { columns, rows, colour }: Canvas): readonly string[] {
  if (sequences.length === 0) return [];
  const paint = colour ? painted : plain;
  const lines = [paint(DIM, cut(heading, columns))];
  // Those that live are worth more than those that are over, and the younger more than the older.
  const wanted = [...sequences].sort((one, other) => Number(one.isOver) - Number(other.isOver));
  const shown: Sequence[] = [];
  let left = rows - 2;
  for (const sequence of wanted) {
    const needed = sequence.fault === undefined ? 1 : 2;
    if (needed > left) break;
    left -= needed;
    shown.push(sequence);
  }
  for (const sequence of sequences) if (shown.includes(sequence)) lines.push(...linesOf(sequence, columns, paint));
  const more = sequences.length - shown.length;
  if (more > 0) lines.push(paint(DIM, `  and ${more} more`));
  return lines;
}

function linesOf(sequence: Sequence, columns: number, paint: Paint): readonly string[] {
  const { way, state, isOver, fault } = sequence;
  const arrow = way === 'out' ? '→' : '←';
  const name = `${arrow} ${short(sequence.id).padEnd(8)}`;
  const said = cut(state, 10).padEnd(10);
  const isBad = isOver && state !== 'completed';
  const before = `${name}  ${isBad ? paint(RED, said) : isOver ? paint(DIM, said) : said}`;
  const line = `${before} ${bar(sequence, paint)}${countsOf(sequence)}`;
  // Colours have no width: what does not fit is cut from the numbers, which come last and have none.
  const width = 2 + 8 + 2 + 10 + 1 + BAR + countsOf(sequence).length;
  const first = width > columns ? line.slice(0, line.length - (width - columns)) : line;
  return fault === undefined ? [first] : [first, paint(RED, cut(`           ${oneLine(fault)}`, columns))];
}

function countsOf({ way, done, open, waiting, window, resent, lost, duplicates, dropped }: Sequence): string {
  const cells: readonly (readonly [value: string | number, width: number])[] =
    way === 'out'
      ? [
          [done, 8],
          [window === 0 ? open : `${open}/${window}`, 8],
          [waiting, 6],
          [resent, 7],
          [lost, 6],
          ['-', 6],
        ]
      : [
          [done, 8],
          [open, 8],
          ['-', 6],
          ['-', 7],
          [dropped, 6],
          [duplicates, 6],
        ];
  return cells.map(([value, width]) => String(value).padStart(width)).join('');
}

/** Shares of all messages that are known; whatever is there at all has a piece of its own. */
function bar({ done, open, waiting }: Sequence, paint: Paint): string {
  const all = done + open + waiting;
  if (all === 0) return ' '.repeat(BAR);
  const piece = (count: number): number => (count === 0 ? 0 : Math.max(1, Math.round((count * BAR) / all)));
  const ahead = Math.min(piece(waiting), BAR);
  const flying = Math.min(piece(open), BAR - ahead);
  const finished = BAR - ahead - flying;
  return paint(GREEN, '█'.repeat(finished)) + paint(YELLOW, '▒'.repeat(flying)) + paint(DIM, '░'.repeat(ahead));
}

/** The beginning of a UUID, or of whatever else the identifier is. */
function short(id: string): string {
  return oneLine(id.replace(/^urn:uuid:/i, '')).slice(0, 8);
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** What a peer wrote must not move the cursor. */
function oneLine(text: string): string {
  return text.replace(/\p{C}/gu, '?');
}
