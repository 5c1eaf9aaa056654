/** Results on standard output, progress on standard error, and with `--json` nothing but JSON. */
import { expect, test } from 'vitest';
import { output, table } from '../../src/cli/output.ts';

function captured(): { streams: Parameters<typeof output>[1]; out: string[]; err: string[] } {
  const out: string[] = [];
  const err: string[] = [];
  return { streams: { out: { write: (text) => out.push(text) }, err: { write: (text) => err.push(text) } }, out, err };
}

test('for people: lines, no records', () => {
  const { streams, out, err } = captured();
  const said = output(false, streams);
  said.line('one');
  said.record({ two: 2 });
  said.remark('three');
  expect(out.join('')).toBe('one\n');
  expect(err.join('')).toBe('three\n');
});

test('--json: one JSON value a line and nothing else, on either stream', () => {
  const { streams, out, err } = captured();
  const said = output(true, streams);
  said.line('one');
  said.record({ two: 2 });
  said.remark('three');
  const progress = said.progress(10, 'documents');
  progress.to(10);
  progress.end();
  expect(out.join('')).toBe('{"two":2}\n');
  expect(err).toEqual([]);
});

test('progress without a terminal: one line a tenth at most', () => {
  const { streams, err } = captured();
  const progress = output(false, streams).progress(200, 'documents');
  for (let done = 0; done <= 200; done++) progress.to(done);
  progress.end();
  expect(err).toHaveLength(10);
  expect(err[0]).toBe('20/200 documents\n');
  expect(err.at(-1)).toBe('200/200 documents\n');
});

test('a table aligns its values', () => {
  expect(
    table([
      ['sent', 200],
      ['delivered once', 199],
    ]),
  ).toBe('  sent            200\n  delivered once  199');
});
