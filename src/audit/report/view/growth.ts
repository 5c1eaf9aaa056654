/**
 * One sequence over time: each transmission a dot at its number, and in green what had been acknowledged by then. Its source text
 * goes into the page: it uses nothing but its parameters and what a browser has.
 */
import type { Row } from '../model.ts';

/** @param sequence which one of the report */
export function growth(canvas: HTMLCanvasElement, rows: readonly Row[], sequence: number): void {
  const look = getComputedStyle(canvas);
  const colour = (name: string): string => {
    // Custom properties are not resolved; a real property is.
    canvas.style.color = `var(${name})`;
    return getComputedStyle(canvas).color;
  };
  const colours = {
    good: colour('--good'),
    blue: colour('--blue'),
    warn: colour('--warn'),
    bad: colour('--bad'),
    soft: colour('--soft'),
    line: colour('--line'),
  };
  canvas.style.color = '';
  const scale = devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext('2d');
  if (pen === null || width === 0) return;
  pen.scale(scale, scale);
  pen.font = `11px ${look.fontFamily}`;

  const sent = rows.filter((row) => row.sequence === sequence && row.number !== undefined && row.fate !== 'extra');
  const acknowledged = rows
    .filter((row) => row.fate !== 'lost' && row.fate !== 'refused')
    .flatMap((row) =>
      (row.acknowledgements ?? [])
        .filter((one) => one.sequence === sequence)
        .map((one) => ({ at: row.arrived ?? row.at, ranges: one.ranges })),
    )
    .sort((a, b) => a.at - b.at);
  const times = [...sent.map((row) => row.at), ...acknowledged.map(({ at }) => at)];
  if (times.length === 0) return;
  let first = Number.POSITIVE_INFINITY;
  let last = 0;
  for (const at of times) {
    first = Math.min(first, at);
    last = Math.max(last, at);
  }
  let highest = 1;
  for (const row of sent) highest = Math.max(highest, row.number ?? 0);

  const left = 44;
  const bottom = height - 18;
  const x = (at: number): number => left + ((at - first) / Math.max(1, last - first)) * (width - left - 10);
  const y = (number: number): number => bottom - (number / (highest + 1)) * (bottom - 8);
  const step = y(0) - y(1);

  pen.fillStyle = colours.good;
  pen.globalAlpha = 0.22;
  acknowledged.forEach(({ at, ranges }, index) => {
    const until = acknowledged[index + 1]?.at ?? last;
    for (const [lower, upper] of ranges.slice(0, 200)) {
      if (lower > highest) continue;
      const top = y(Math.min(upper, highest)) - step / 2;
      pen.fillRect(x(at), top, Math.max(1, x(until) - x(at)), y(lower) + step / 2 - top);
    }
  });
  pen.globalAlpha = 1;
  const size = Math.max(1.5, Math.min(4, step));
  for (const row of sent) {
    const isBad = row.fate === 'lost' || row.fate === 'refused' || row.fate === 'unanswered';
    pen.fillStyle = isBad ? colours.bad : row.copy > 0 ? colours.warn : colours.blue;
    pen.fillRect(x(row.at) - size / 2, y(row.number ?? 0) - size / 2, size, size);
  }
  pen.strokeStyle = colours.line;
  pen.strokeRect(left, 8, width - left - 10, bottom - 8);
  pen.fillStyle = colours.soft;
  pen.fillText(String(highest), 6, y(highest) + 8);
  pen.fillText('1', 6, y(1));
  pen.fillText('0 s', left, height - 4);
  const end = `${((last - first) / 1_000).toFixed(2)} s`;
  pen.fillText(end, width - 12 - pen.measureText(end).width, height - 4);
}
