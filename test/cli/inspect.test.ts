/** `surewire inspect`: plain words and JSON, and what cannot be used named without hiding the rest. */
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ran } from './running.ts';

const config = resolve(import.meta.dirname, 'fixtures/App.config');
const kinds = ['config'] as const;

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
