/** Draws what happens to sequences while it happens: on a terminal a picture, ten times a second at most; elsewhere lines. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Clock, later, systemClock, type Timer } from '../../base/clock.ts';
import type { ReliableEvent } from '../../reliable/events.ts';
import type { Live, Output, Progress } from '../output.ts';
import { picture } from './picture.ts';
import { type Sequence, Sequences } from './sequences.ts';

/** Milliseconds between two pictures, and between two lines about one sequence. */
const FRAME = 100;
const LINE = 1_000;

/** Where lines only follow each other nothing has to fit. */
const PAPER = { columns: 200, rows: 1_000, colour: false };

/** Starts watching; the value draws once more and stops. It is idempotent. */
export function watch(live: Live, clock: Clock = systemClock): () => void {
  const sequences = new Sequences();
  const news = bulletin();
  let timer: Timer | undefined;

  const draw = (): void => {
    timer = undefined;
    const { canvas } = live;
    live.draw(canvas === undefined ? news(sequences.all) : picture(sequences.all, canvas));
  };
  const hear = (event: unknown): void => {
    sequences.hear(event as ReliableEvent);
    timer ??= clock.at(later(clock.now(), live.canvas === undefined ? LINE : FRAME), draw);
  };
  subscribe('surewire:reliable', hear);
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    unsubscribe('surewire:reliable', hear);
    timer?.cancel();
    draw();
    live.end();
  };
}

/** Watching in the place of a progress bar. */
export function watched(said: Output): Progress {
  return { to() {}, end: watch(said.live()) };
}

/** Tells each time of the sequences that look other than the last time; the heading once. */
function bulletin(): (sequences: readonly Sequence[]) => readonly string[] {
  let told: ReadonlyMap<Sequence, string> | undefined;
  return (sequences) => {
    const now = new Map(sequences.map((sequence) => [sequence, JSON.stringify(sequence)]));
    const changed = sequences.filter((sequence) => told?.get(sequence) !== now.get(sequence));
    const lines = picture(changed, PAPER);
    const news = told === undefined ? lines : lines.slice(1);
    if (lines.length > 0) told = now;
    return news;
  };
}
