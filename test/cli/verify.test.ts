/** `surewire verify` as a user has it: serve and send record, and everything afterwards needs their files only. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { run } from '../../src/cli/program.ts';
import { ran } from './running.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const verifying = (...args: readonly string[]) => ran(['verify', '--certs', at('certs'), ...args]);

/** A service on a free port, until `work` has ended. */
async function beside(args: readonly string[], work: (url: string) => Promise<void>): Promise<void> {
  const end = new AbortController();
  const { promise: listening, resolve } = Promise.withResolvers<string>();
  let out = '';
  const write = (text: string) => {
    out += text;
    const url = /listening at (\S+)/.exec(out)?.[1];
    if (url !== undefined) resolve(url);
  };
  const serving = run(
    ['serve', '--url', 'https://127.0.0.1:0/drop', '--certs', at('certs'), '--to', at('inbox'), ...args],
    {
      streams: { out: { write }, err: { write: () => undefined } },
      interruption: () => ({ signal: end.signal, end: () => undefined }),
    },
  );
  try {
    await work(await listening);
  } finally {
    end.abort();
  }
  expect(await serving, out).toBe(0);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'surewire-verify-'));
  await developmentPki({ folder: at('certs'), algorithms: ['ec'] });
  for (const name of ['a', 'b', 'c'])
    await writeFile(at(`${name}.xml`), `<order xmlns="urn:example:orders">${name}</order>`);
  const sending = (url: string, ...more: readonly string[]) =>
    ran(['send', url, at('a.xml'), at('b.xml'), at('c.xml'), '--certs', at('certs'), ...more]);
  await beside(['--receipts', '--transcript', at('serve.jsonl')], async (url) => {
    const sent = await sending(url, '--transcript', at('send.jsonl'), '--receipts', at('receipts.jsonl'));
    expect(sent.exitCode, sent.err).toBe(0);
    const digested = await sending(url, '--transcript', at('digests.jsonl'), '--transcript-digests');
    expect(digested.exitCode, digested.err).toBe(0);
    const locked = await sending(
      url,
      '--transcript',
      at('locked.jsonl'),
      '--transcript-for',
      at('certs/ec/alice.cert.pem'),
    );
    expect(locked.exitCode, locked.err).toBe(0);
  });
});

afterAll(() => rm(folder, { recursive: true }));

describe('surewire verify', () => {
  test('what both ends recorded is sound, receipts and second engine included: exit 0 and a table', async () => {
    const { exitCode, out, err } = await verifying(
      at('send.jsonl'),
      at('serve.jsonl'),
      '--receipt',
      at('receipts.jsonl'),
    );
    expect(exitCode, out + err).toBe(0);
    expect(out).toContain('SOUND: everything was checked');
    expect(out).toMatch(/1–3 +\d+ +1–3 +client signing +service signing +terminated +SOUND/);
    expect(out).toMatch(/receipt of service signing.*3 bodies match/);
    expect(out).toMatch(/second opinions +\d+ agree\n/);
  });

  test('--json: one value, the same verdict', async () => {
    const { exitCode, out } = await verifying(at('send.jsonl'), '--no-second-engine', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      verdict: 'sound',
      findings: [],
      sequences: [{ numbers: [[1, 3]], end: 'terminated' }],
    });
  });

  test('what was tampered with is unsound: exit 1, and SARIF says what and where', async () => {
    const whole = await readFile(at('send.jsonl'), 'utf8');
    await writeFile(at('tampered.jsonl'), whole.replace('>b</order>', '>x</order>'));
    const table = await verifying(at('tampered.jsonl'), '--no-second-engine');
    expect(table.exitCode).toBe(1);
    expect(table.out).toMatch(/transcript-chain-broken[\s\S]*UNSOUND/);
    const { exitCode, out } = await verifying(at('tampered.jsonl'), '--no-second-engine', '--format', 'sarif');
    expect(exitCode).toBe(1);
    const { version, runs } = JSON.parse(out);
    expect(version).toBe('2.1.0');
    const [{ results, tool }] = runs;
    for (const code of ['transcript-chain-broken', 'signature-digest-differs']) {
      const found = results.find(({ ruleId }: { ruleId: string }) => ruleId === code);
      expect(found).toMatchObject({ level: 'error', locations: [{ physicalLocation: { artifactLocation: {} } }] });
      expect(tool.driver.rules[found.ruleIndex].id).toBe(code);
    }
  });

  test('digests alone: exit 2, because no signature could be checked', async () => {
    const { exitCode, out } = await verifying(at('digests.jsonl'));
    expect(exitCode).toBe(2);
    expect(out).toMatch(/message-not-recorded[\s\S]*NOT CHECKED/);
  });

  test('an encrypted transcript opens with the key of its reader only', async () => {
    expect(await readFile(at('locked.jsonl'), 'utf8')).not.toContain('Envelope');
    const opened = await verifying(at('locked.jsonl'), '--no-second-engine', '--key', at('certs/ec/alice.key.pem'));
    expect(opened.exitCode, opened.out).toBe(0);
    for (const more of [[], ['--key', at('certs/ec/server.key.pem')]]) {
      const { exitCode, out } = await verifying(at('locked.jsonl'), '--no-second-engine', ...more);
      expect(exitCode).toBe(2);
      expect(out).toContain('message-locked');
    }
  });

  test('without anybody to believe: exit 2', async () => {
    const { exitCode, out, err } = await ran([
      'verify',
      at('send.jsonl'),
      '--no-second-engine',
      '--certs',
      at('nothing'),
    ]);
    expect(exitCode).toBe(2);
    expect(err).toContain('--ca');
    expect(out).toContain('trust-not-given');
  });

  test('a receipt alone: exit 2; nothing at all: an error', async () => {
    const alone = await verifying('--receipt', at('receipts.jsonl'));
    expect(alone.exitCode).toBe(2);
    expect(alone.out).toContain('receipt-unmatched');
    const nothing = await verifying();
    expect(nothing.exitCode).toBe(2);
    expect(nothing.err).toContain('CLI_USAGE');
  });

  test.each([
    ['a file that is not there', ['none.jsonl'], 'AUDIT_FILE'],
    ['receipts that are none', ['send.jsonl', '--receipt', 'a.xml'], 'CLI_FILE'],
    ['a key that is none', ['send.jsonl', '--key', 'a.xml'], 'CLI_FILE'],
  ] as const)('%s', async (_, args, code) => {
    const { exitCode, err } = await verifying(...args.map((arg) => (arg.startsWith('--') ? arg : at(arg))));
    expect(exitCode).not.toBe(0);
    expect(err).toContain(code);
  });

  test('a transcript is never written over', async () => {
    const { exitCode, err } = await ran([
      'send',
      'https://127.0.0.1:1/drop',
      at('a.xml'),
      '--certs',
      at('certs'),
      '--transcript',
      at('a.xml'),
    ]);
    expect(exitCode).toBe(5);
    expect(err).toContain('AUDIT_FOREIGN');
    expect(await readFile(at('a.xml'), 'utf8')).toContain('<order');
    expect(existsSync(at('a.xml.0001'))).toBe(false);
  });
});
