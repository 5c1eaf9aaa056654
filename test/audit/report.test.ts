/** What a report says of a conversation is what happened in it; and nothing that a peer wrote becomes markup or script. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourcesAt } from '../../src/audit/import/source.ts';
import { paintOf } from '../../src/audit/report/coverage.ts';
import type { ReportModel } from '../../src/audit/report/model.ts';
import { pageOf } from '../../src/audit/report/page.ts';
import { reportOf } from '../../src/audit/report/report.ts';
import { Recorder } from '../../src/audit/transcript/recorder.ts';
import { converse, folder, linesOf, messagesOf } from './support.ts';

const drawn = async (
  files: readonly string[],
  options: { readonly maxTextLength?: number } = {},
): Promise<ReportModel> =>
  reportOf((await Promise.all(files.map((file) => sourcesAt(file)))).flat(), { title: 'test', now: 0, ...options });

const lossy = { loseRequest: 0.2, loseReply: 0.1, duplicate: 0.1 };

test('both ends in one transcript: what was sent twice, lost and came twice is what the records say', async () => {
  const file = join(folder(), 'both.jsonl');
  const recorder = await Recorder.open({ file });
  await converse({ messages: 40, recorders: { client: recorder, service: recorder }, network: lossy });
  await recorder.close();
  const model = await drawn([file]);
  const [sequence, ...others] = model.sequences;
  expect(others).toEqual([]);
  expect(sequence).toMatchObject({ messages: 40, acknowledged: 40, from: 0, isFinal: true, version: '200702' });

  const messages = messagesOf(await linesOf(file));
  const sent = messages.filter(({ direction }) => direction === 'out');
  const arrived = messages.filter(({ direction }) => direction === 'in');
  const count = (fate: string): number => model.rows.filter((row) => row.fate === fate).length;
  expect(model.rows.length - count('extra')).toBe(sent.length);
  expect(model.rows.filter((row) => row.arrived !== undefined)).toHaveLength(arrived.length);
  expect(count('lost')).toBe(sent.length + count('extra') - arrived.length);
  expect(count('lost')).toBeGreaterThan(0);
  expect(count('extra')).toBeGreaterThan(0);
  const transmissions = sent.filter(({ facts }) => facts?.sequence !== undefined).length;
  expect(sequence?.transmissions).toBe(transmissions);
  expect(model.rows.filter(({ copy }) => copy > 0)).toHaveLength(transmissions - 40);
});

test('an end each in a file of its own gives the same picture, in either order', async () => {
  const at = folder();
  const [client, service] = [join(at, 'client.jsonl'), join(at, 'service.jsonl')];
  const recorders = { client: await Recorder.open({ file: client }), service: await Recorder.open({ file: service }) };
  await converse({ messages: 12, recorders, network: lossy });
  await Promise.all([recorders.client.close(), recorders.service.close()]);
  const fates = (model: ReportModel): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { fate } of model.rows) counts[fate] = (counts[fate] ?? 0) + 1;
    return counts;
  };
  const [one, other] = [await drawn([client, service]), await drawn([service, client])];
  expect(fates(one)).toEqual(fates(other));
  expect(one.sequences[0]).toMatchObject({ messages: 12, acknowledged: 12 });
  expect(other.sequences[0]).toMatchObject({ messages: 12, acknowledged: 12 });
});

test('one end only: what is not known of the other is not claimed', async () => {
  const file = join(folder(), 'client.jsonl');
  const recorder = await Recorder.open({ file });
  await converse({ messages: 8, recorders: { client: recorder }, network: lossy });
  await recorder.close();
  const model = await drawn([file]);
  expect(model.ends).toEqual(['client', 'peer']);
  expect(model.rows.some(({ fate }) => fate === 'lost' || fate === 'extra')).toBe(false);
  expect(model.rows.some(({ fate }) => fate === 'unanswered')).toBe(true);
  expect(model.sequences[0]).toMatchObject({ messages: 8, acknowledged: 8, lost: 0 });
});

test('texts beyond the limit are left out, and the page says so', async () => {
  const file = join(folder(), 'client.jsonl');
  const recorder = await Recorder.open({ file });
  await converse({ messages: 3, recorders: { client: recorder } });
  await recorder.close();
  const model = await drawn([file], { maxTextLength: 8_000 });
  expect(model.texts.length).toBeLessThan(model.rows.length);
  expect(model.remarks.join(' ')).toMatch(/texts of \d+ messages were left out/);
});

test('markup and script in a message stay text: only "<" could end the data, and none is there', async () => {
  const hostile = '</script><script>alert(1)</script><!--';
  const page = pageOf({
    title: hostile,
    made: 0,
    sources: [hostile],
    ends: [hostile, 'peer'],
    sequences: [],
    rows: [],
    texts: [{ xml: hostile, paint: [] }],
    findings: [],
    remarks: [hostile],
  });
  expect(page.match(/<script/g)).toHaveLength(2);
  expect(page).not.toContain('alert(1)</script>');
  const [, data = ''] = /<script type="application\/json" id="report">(.*?)<\/script>/s.exec(page) ?? [];
  expect(JSON.parse(data)).toMatchObject({ title: hostile, texts: [{ xml: hostile }] });
  expect(page).toMatch(/default-src 'none'; script-src 'sha256-/);
  expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org|docs\.oasis)[a-z]/);
});

test('paint: elements that references name, in UTF-16 units whatever stands before them', () => {
  const xml =
    '<e xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><t>ä€😀</t><ds:Reference URI="#b"/><b Id="b">ü</b>' +
    '<x:EncryptedData xmlns:x="http://www.w3.org/2001/04/xmlenc#"/></e>';
  const painted = paintOf(new TextEncoder().encode(xml)).map(([from, to, what]) => [xml.slice(from, to), what]);
  expect(painted).toEqual([
    ['<b Id="b">ü</b>', 'signed'],
    ['<x:EncryptedData xmlns:x="http://www.w3.org/2001/04/xmlenc#"/>', 'encrypted'],
  ]);
  expect(paintOf(new TextEncoder().encode('<not xml'))).toEqual([]);
});
