/** The report in a real Chromium: drawn without a complaint, filtered, searched, driven by keys, and smooth with 10,000 messages. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sourcesAt } from '../../src/audit/import/source.ts';
import type { ReportModel, Row } from '../../src/audit/report/model.ts';
import { pageOf } from '../../src/audit/report/page.ts';
import { reportOf } from '../../src/audit/report/report.ts';
import { Recorder } from '../../src/audit/transcript/recorder.ts';
import { verify } from '../../src/audit/verify/verify.ts';
import { trustChain } from '../../src/security/trust.ts';
import { pki } from '../security/rig.ts';
import { converse, folder } from './support.ts';

const executablePath = '/usr/bin/chromium';
/** Milliseconds for what a browser does in one or two seconds. */
const PATIENCE = 120_000;
const { SUREWIRE_SCREENSHOTS } = process.env;

/** As many messages as asked for: each sent, every seventh lost and sent again, all acknowledged. */
function many(messages: number): ReportModel {
  const rows: Row[] = [];
  const row = (fields: Partial<Row>): void => {
    const n = rows.length + 1;
    rows.push({
      n,
      at: n * 3,
      from: 0,
      leg: 'request',
      exchange: n,
      kind: 'application',
      label: '',
      action: 'urn:example/place',
      octets: 900,
      sequence: 0,
      copy: 0,
      fate: 'arrived',
      ...fields,
    });
  };
  for (let number = 1; number <= messages; number++) {
    const label = `${number} · place`;
    if (number % 7 === 0) {
      row({ number, label, fate: 'lost' });
      row({ number, label, copy: 1 });
    } else row({ number, label });
    if (number % 20 === 0) {
      row({
        from: 1,
        leg: 'reply',
        kind: 'acknowledgement',
        label: 'acknowledgement',
        acknowledgements: [{ sequence: 0, ranges: [[1, number]] }],
      });
    }
  }
  return {
    title: `${messages} messages`,
    made: 0,
    sources: ['made.jsonl'],
    ends: ['client', 'service'],
    sequences: [
      {
        id: 'urn:uuid:made',
        version: '200702',
        from: 0,
        messages,
        transmissions: rows.length,
        lost: Math.floor(messages / 7),
        refused: 0,
        acknowledged: messages,
        isFinal: true,
        identities: [],
      },
    ],
    rows,
    texts: [],
    findings: [],
    remarks: [],
  };
}

describe.skipIf(!existsSync(executablePath))('in Chromium', () => {
  let browser: Browser;
  let at: string;

  beforeAll(async () => {
    at = folder();
    browser = await chromium.launch({
      executablePath,
      timeout: PATIENCE,
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-sync'],
    });
  });

  afterAll(async () => {
    await browser?.close();
  });

  async function opened(model: ReportModel): Promise<{ readonly page: Page; readonly complaints: string[] }> {
    const file = join(at, `${model.title.replaceAll(/\W+/g, '-')}.html`);
    writeFileSync(file, pageOf(model));
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.setDefaultTimeout(PATIENCE);
    const complaints: string[] = [];
    page.on('console', (said) => {
      if (said.type() === 'error' || said.type() === 'warning') complaints.push(said.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (!request.url().startsWith('file:')) complaints.push(request.url());
    });
    await page.goto(pathToFileURL(file).href);
    return { page, complaints };
  }

  test('a real conversation: sequences, lanes, the message with what its signature covers; keys, search, filter, theme', async () => {
    const file = join(at, 'real.jsonl');
    const recorder = await Recorder.open({ file });
    await converse({
      messages: 25,
      recorders: { client: recorder, service: recorder },
      network: { loseRequest: 0.15, loseReply: 0.1 },
    });
    await recorder.close();
    const { root } = await pki();
    const judged = await verify(await sourcesAt(file), {
      trust: trustChain({ anchors: root.certificate }),
      secondEngine: false,
    });
    const model = await reportOf(await sourcesAt(file), {
      judged,
      title: 'Orders',
      now: Date.UTC(2026, 10, 28),
    });
    const { page, complaints } = await opened(model);
    expect(await page.title()).toBe('Orders');
    expect(judged.findings.filter(({ weight }) => weight !== 'note')).toEqual([]);
    expect(await page.locator('#verdict').textContent()).toBe('sound');
    expect(await page.locator('.card').allTextContents()).toEqual([
      expect.stringMatching(/25 messages, 25 acknowledged/),
    ]);
    expect(await page.locator('.row').first().textContent()).toMatch(/CreateSequence/);

    await page.keyboard.press('n');
    expect(await page.locator('.row[aria-selected=true]').textContent()).toMatch(/lost|no answer/);
    await page.locator('#kind').selectOption('again');
    expect(await page.locator('.row').first().textContent()).toMatch(/transmission 2/);
    await page.locator('#kind').selectOption('application');
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.keyboard.type('urn:surewire:no-such-thing');
    expect(await page.locator('#count').textContent()).toMatch(/^0 of/);
    await page.locator('#search').fill('');
    await page.locator('#search').press('Enter');
    await page.keyboard.press('j');
    const covered = await page.locator('mark.holds').allTextContents();
    expect(covered.join('')).toMatch(/Body/);
    expect(covered.join('')).not.toMatch(/<s:Envelope/);

    const light = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.keyboard.press('t');
    const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(dark).not.toBe(light);
    if (SUREWIRE_SCREENSHOTS !== undefined) {
      const to = resolve(SUREWIRE_SCREENSHOTS);
      mkdirSync(to, { recursive: true });
      await page.screenshot({ path: join(to, 'report-dark.png') });
      await page.keyboard.press('t');
      await page.screenshot({ path: join(to, 'report-light.png') });
    }
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('10,000 messages: only what is in sight is drawn, and a jump to the end is one frame', async () => {
    const model = many(10_000);
    const { page, complaints } = await opened(model);
    expect(await page.locator('#count').textContent()).toBe(
      `${model.rows.length} of ${model.rows.length} transmissions`,
    );
    expect(await page.locator('.row').count()).toBeLessThan(120);
    await page.keyboard.press('End');
    const last = model.rows.at(-1)?.label ?? '';
    expect(await page.locator('.row[aria-selected=true]').textContent()).toContain(last);
    expect(await page.locator('.row').count()).toBeLessThan(120);
    const elements = await page.evaluate(() => document.querySelectorAll('*').length);
    expect(elements).toBeLessThan(2_000);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('on paper all rows are there', async () => {
    const { page, complaints } = await opened(many(300));
    await page.evaluate(() => void dispatchEvent(new Event('beforeprint')));
    expect(await page.locator('.row').count()).toBe(many(300).rows.length);
    await page.evaluate(() => void dispatchEvent(new Event('afterprint')));
    expect(await page.locator('.row').count()).toBeLessThan(120);
    expect(complaints).toEqual([]);
    await page.close();
  });
});
