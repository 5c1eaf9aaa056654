/** The drop box: one file for one message, whatever happens, and never outside of its folder. */
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { type Delivery, delivery } from '../../src/channel/delivery.ts';
import { type Dropped, dropBox } from '../../src/cli/dropbox.ts';
import { position } from '../../src/reliable/position.ts';
import { message } from '../../src/soap/envelope.ts';
import { soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';

let folder: string;
let told: Dropped[];
let complaints: Error[];
let clock: VirtualClock;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surewire-dropbox-'));
  told = [];
  complaints = [];
  clock = new VirtualClock();
});

afterEach(() => rm(folder, { recursive: true }));

const box = (into: string | undefined = folder) =>
  dropBox({
    folder: into,
    clock,
    tell: (dropped) => told.push(dropped),
    complain: (error) => complaints.push(error),
  });

function arriving(xml: string, sequence = 'urn:uuid:0f0e0d0c-0000-4000-8000-000000000001', number = 1): Delivery {
  const trip = delivery(message({ version: soap12, action: 'urn:x', body: XmlFragment.parse(xml) }));
  return trip.with(position, { sequence, number });
}

test('a message becomes a file that is named by sequence and number, and nothing is answered', async () => {
  expect(await box()(arriving('<a xmlns="urn:x">é</a>', undefined, 7))).toBeUndefined();
  expect(await readdir(folder)).toEqual(['0f0e0d0c-0000-4000-8000-000000000001-00000007.xml']);
  expect(told).toMatchObject([{ number: 7, action: 'urn:x', from: 'anonymous', signedBy: null, bytes: 23 }]);
  expect(await readFile(told[0]?.file ?? '', 'utf8')).toBe('<a xmlns="urn:x">é</a>');
});

test('handed over again after a crash it is the same file', async () => {
  await box()(arriving('<a/>'));
  await box()(arriving('<a/>'));
  expect(await readdir(folder)).toHaveLength(1);
});

test('a sequence identifier chosen by an attacker stays a name in the folder', async () => {
  await box()(arriving('<a/>', 'urn:x/../../../../etc/passwd'));
  await box()(arriving('<a/>', '../escape'));
  const names = await readdir(folder);
  expect(names).toHaveLength(2);
  for (const name of names) expect(name).toMatch(/^[0-9a-f]{32}-00000001\.xml$/);
});

test('without a folder the document is part of what is told', async () => {
  await dropBox({ tell: (dropped) => told.push(dropped), complain: () => undefined })(arriving('<a>1</a>'));
  expect(told).toMatchObject([{ document: '<a>1</a>' }]);
});

test('a document that cannot be written is not given up but written when it can be', async () => {
  const late = join(folder, 'late');
  const delivered = box(late)(arriving('<a/>'));
  await expect.poll(() => clock.next).toBeDefined();
  expect(complaints).toHaveLength(1);
  expect(told).toEqual([]);
  await mkdir(late);
  await clock.advance(1_000);
  await delivered;
  expect(await readdir(late)).toHaveLength(1);
});

test('while it cannot be written the end of the service leaves it undelivered', async () => {
  const end = new AbortController();
  const delivered = box(join(folder, 'never'))(arriving('<a/>').under(end.signal));
  await expect.poll(() => complaints.length).toBeGreaterThan(0);
  end.abort(new Error('the service ends'));
  await expect(delivered).rejects.toThrow('the service ends');
  expect(told).toEqual([]);
});
