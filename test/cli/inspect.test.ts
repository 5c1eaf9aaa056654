/** `surewire inspect`: plain words and JSON, and what cannot be used named without hiding the rest. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { sqlite } from '../../src/stores/sqlite.ts';
import { ran } from './running.ts';

const config = resolve(import.meta.dirname, 'fixtures/App.config');
const kinds = ['cert', 'config', 'message', 'pfx', 'store', 'transcript', 'wsdl'] as const;

test.each(kinds)('surewire inspect %s --help has examples', async (kind) => {
  const { exitCode, out } = await ran(['inspect', kind, '--help']);
  expect(exitCode).toBe(0);
  expect(out).toMatch(/Examples:\n {2}# [\s\S]*\$ surewire inspect/);
});

describe('inspect config', () => {
  test('says what one binding puts on the wire, and what to supply', async () => {
    const { exitCode, out } = await ran(['inspect', 'config', config, 'OrdersEndpoint']);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/"OrdersEndpoint" at https:\/\/orders.example\/soap/);
    expect(out).toMatch(/security +UserNameOverTransport: TLS protects each message/);
    expect(out).toMatch(/client gives +username/);
    expect(out).toMatch(/works here +yes/);
    expect(out).toMatch(/\(line 6\) without effect here: maxBufferPoolSize/);
  });

  test('one that cannot be used is named, fails the command, and hides no other', async () => {
    const { exitCode, out, err } = await ran(['inspect', 'config', config]);
    expect(exitCode).toBe(2);
    expect(out).toMatch(/"Fast"\n {2}cannot be used: The binding netTcpBinding \(line 23\) is not spoken/);
    expect(out).toMatch(/"ReliableHttps"[\s\S]*WS-ReliableMessaging 200702, in order/);
    expect(out).toMatch(/"Old"[\s\S]*works here +no: .*SspiNegotiated is not spoken/);
    expect(err).toMatch(/code METADATA_UNSUPPORTED/);
  });

  test('--json prints one value a line, versions by name', async () => {
    const { out } = await ran(['inspect', 'config', config, 'Orders', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      name: 'Orders',
      kind: 'ws2007HttpBinding',
      encoding: { soap: '1.2', addressing: '2005/08' },
      security: { mode: 'UserNameOverTransport', versions: { conversation: '200512' } },
      obstacles: [],
    });
  });

  test('a file that is not there, and a kind that is not there', async () => {
    expect(await ran(['inspect', 'config', '/no/such.config'])).toMatchObject({ exitCode: 2 });
    expect((await ran(['inspect', 'weather', 'x'])).exitCode).toBe(2);
  });
});

describe('what travels and what is kept', () => {
  test('cert and pfx: names and fingerprints, and nothing of a key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'surewire-inspect-'));
    const { settings } = await developmentPki({ folder, algorithms: ['ec'] });
    const cert = await ran(['inspect', 'cert', join(folder, 'ec/alice.chain.pem'), '--json']);
    const [alice, issuer] = cert.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(alice).toMatchObject({
      subject: 'O=surewire, OU=DEV ONLY, CN=alice',
      authority: false,
      key: 'ec prime256v1',
    });
    expect(issuer).toMatchObject({ authority: true, usage: ['keyCertSign', 'cRLSign'] });
    const passphrase = join(folder, 'pass.txt');
    await writeFile(passphrase, settings.password);
    const pfx = await ran(['inspect', 'pfx', join(folder, 'ec/alice.pfx'), '--passphrase-file', passphrase, '--json']);
    expect(JSON.parse(pfx.out.split('\n')[0] ?? '')).toMatchObject({
      fingerprint: alice.fingerprint,
      thumbprint: alice.thumbprint,
    });
    expect(pfx.out).not.toMatch(/PRIVATE|surewire-dev-password/);
    expect((await ran(['inspect', 'pfx', join(folder, 'ec/alice.pfx')])).exitCode).toBe(3);
  });

  test('transcript, message and store of one transfer', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'surewire-inspect-'));
    const file = join(folder, 'demo.jsonl');
    const demo = await ran(['demo', '--messages', '3', '--loss', '0', '--transcript', file, '--no-report', '--json']);
    expect(demo.exitCode).toBe(0);
    const transcript = await ran(['inspect', 'transcript', file, '--json']);
    expect(JSON.parse(transcript.out)).toMatchObject({
      parts: 1,
      troubles: 0,
      payloads: ['kept'],
      sequences: [expect.stringMatching(/^urn:uuid:/)],
    });
    const lines = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const order = lines.find(({ facts }) => facts?.sequence?.number === 1);
    const envelope = join(folder, 'order.xml');
    await writeFile(envelope, order.payload.text);
    const message = JSON.parse((await ran(['inspect', 'message', envelope, '--json'])).out);
    expect(message).toMatchObject({ soap: '1.2', reliable: '200702', sequence: { number: 1 }, encrypted: [] });
    expect(message.signed).toEqual(expect.arrayContaining(['s:Body', 'wsu:Timestamp']));
    expect((await ran(['inspect', 'store', join(folder, 'no.db')])).exitCode).toBe(2);
  });

  test('store: an unfinished session, and how many messages are kept', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'surewire-inspect-')), 'sessions.db');
    const store = sqlite(file);
    await store.commit({
      session: 'one',
      state: { phase: 'open', ranges: [] },
      put: [{ direction: 'out', number: 1, octets: new Uint8Array(9) }],
    });
    await store.close();
    const { out, exitCode } = await ran(['inspect', 'store', file, '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(out)).toEqual({ session: 'one', sent: 1, received: 0, octets: 9, phase: 'open' });
  });
});
