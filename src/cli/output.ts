/**
 * What the command says and where: results on standard output (text for people, or one JSON value a line), progress and
 * remarks on standard error, so that a pipe gets results only.
 */
import { format } from 'node:util';
import { Presets, SingleBar } from 'cli-progress';
import { Screen, type Terminal } from './screen.ts';
import type { Canvas } from './watch/picture.ts';

export interface Output {
  readonly json: boolean;
  /** A line for people on standard output; nothing with `--json`. */
  line(text?: string): void;
  /** A remark on standard error; nothing with `--json`. */
  remark(text: string): void;
  /** What an operator has to know, on standard error whatever the output is. */
  warn(text: string): void;
  /** One JSON value on one line of standard output; only with `--json`. */
  record(value: object): void;
  /** A bar on a terminal, a line for each tenth elsewhere, nothing with `--json` unless standard error is a terminal. */
  progress(total: number, unit: string): Progress;
  /** A number that grows, on a terminal; nothing elsewhere. */
  counting(unit: string): Progress;
  /** Lines at the end of standard error that are drawn again and again, and lines one after the other where that is no terminal. */
  live(): Live;
}

export interface Live {
  /** What can be drawn on; absent where lines only follow each other. Asked for each picture, because windows change. */
  readonly canvas: Canvas | undefined;
  draw(lines: readonly string[]): void;
  /** Idempotent. */
  end(): void;
}

export interface Progress {
  to(done: number): void;
  /** Idempotent. */
  end(): void;
}

/** Where the output goes. */
export interface Streams {
  readonly out: { write(text: string): unknown };
  readonly err: Terminal & { readonly isTTY?: boolean };
}

export function output(json: boolean, streams: Streams): Output {
  const isTerminal = streams.err.isTTY === true;
  // On a terminal a bar may stand in the line: it is wiped, and drawn again with its next step.
  const screen = new Screen(streams.err);
  const say = (text: string): void =>
    screen.above(() => void streams.err.write(`${isTerminal ? '\r\x1b[K' : ''}${text}\n`));
  // The two streams are usually one terminal.
  const print = (text: string): void => screen.above(() => void streams.out.write(`${text}\n`));
  return {
    json,
    line: (text = '') => {
      if (!json) print(text);
    },
    remark: (text) => {
      if (!json) say(text);
    },
    warn: say,
    record: (value) => {
      if (json) print(JSON.stringify(value));
    },
    progress: (total, unit) => {
      if (isTerminal) return bar(total, unit);
      return json ? silent : lines(total, unit, say);
    },
    counting: (unit) => (isTerminal ? counter(unit) : silent),
    live: () => (isTerminal ? drawing(screen, streams.err) : following(json, say)),
  };
}

/** `NO_COLOR` with any value but the empty one means no colours (no-color.org). */
function drawing(screen: Screen, terminal: Terminal): Live {
  const { NO_COLOR = '', TERM = '' } = process.env;
  const colour = NO_COLOR === '' && TERM !== 'dumb';
  return {
    get canvas() {
      return { columns: terminal.columns ?? 80, rows: (terminal.rows ?? 24) - 1, colour };
    },
    draw: (lines) => screen.draw(lines),
    end: () => screen.end(),
  };
}

function following(json: boolean, say: (text: string) => void): Live {
  return {
    canvas: undefined,
    draw: (lines) => {
      if (!json) for (const line of lines) say(line);
    },
    end() {},
  };
}

const silent: Progress = { to() {}, end() {} };

function bar(total: number, unit: string): Progress {
  const shown = new SingleBar(
    { format: `{bar} {value}/{total} ${unit}, {duration_formatted}`, hideCursor: true, clearOnComplete: false },
    Presets.shades_classic,
  );
  shown.start(total, 0);
  return {
    to: (done) => shown.update(done),
    end: () => {
      if (shown.isActive) shown.stop();
    },
  };
}

function counter(unit: string): Progress {
  const shown = new SingleBar({
    format: `{value} ${unit}, {duration_formatted}`,
    hideCursor: true,
    clearOnComplete: true,
  });
  shown.start(1, 0);
  return {
    to: (done) => {
      shown.setTotal(done + 1);
      shown.update(done);
    },
    end: () => {
      if (shown.isActive) shown.stop();
    },
  };
}

function lines(total: number, unit: string, say: (text: string) => void): Progress {
  let tenths = 0;
  return {
    to: (done) => {
      const now = total === 0 ? 10 : Math.floor((done * 10) / total);
      if (now <= tenths) return;
      tenths = now;
      say(format('%d/%d %s', done, total, unit));
    },
    end() {},
  };
}

/** Two columns, the left one as wide as its widest cell. */
export function table(rows: readonly (readonly [label: string, value: string | number])[]): string {
  const width = Math.max(0, ...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`).join('\n');
}

/** Any number of columns, each as wide as its widest cell, the first row above the others. */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) => `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd());
}
