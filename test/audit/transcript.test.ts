/** The recorder: what it writes, what it never writes, and what is left of it after a crash. */
import { hash, KeyObject } from 'node:crypto';
import { appendFile, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PayloadReader } from '../../src/audit/transcript/payload.ts';
import { Recorder } from '../../src/audit/transcript/recorder.ts';
import { strike } from '../../src/audit/transcript/strike.ts';
import { recorded } from '../../src/audit/transcript/tap.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { security } from '../../src/security/element.ts';
import { unsafeWithoutTls, usernameOverTransport } from '../../src/security/policy.ts';
import { addressing200508 } from '../../src/soap/addressing.ts';
import { message, readEnvelope } from '../../src/soap/envelope.ts';
import { soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { scan } from '../../src/xml/scan.ts';
import { pki } from '../security/rig.ts';
import { converse, folder, linesOf, messagesOf } from './support.ts';

const envelope = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body/></s:Envelope>';

function seen(octets: Uint8Array = utf8(envelope), exchange = 1) {
  const transport = { name: 'test' };
  const read = () => readEnvelope(scan(octets));
  return { end: 'client', direction: 'out', leg: 'request', exchange, transport, octets, read } as const;
}

describe('a recorded conversation', () => {
  test('has every message of both ends with its facts, what security found, and a whole chain', async () => {
    const file = join(folder(), 'both.jsonl');
    const recorder = await Recorder.open({ file });
    await converse({
      messages: 12,
      recorders: { client: recorder, service: recorder },
      network: { loseRequest: 0.1, loseReply: 0.1, duplicate: 0.1 },
    });
    await recorder.close();
    const lines = await linesOf(file);
    expect(lines.filter(({ trouble }) => trouble !== undefined)).toEqual([]);
    const records = lines.map(({ record }) => record);
    expect(records.map((record) => record?.n)).toEqual(records.map((_, at) => at + 1));
    expect(records[0]).toMatchObject({ kind: 'transcript', part: 1, payloads: 'kept' });
    expect(records.at(-1)).toMatchObject({ kind: 'end', reason: 'closed' });
    const messages = messagesOf(lines);
    for (const end of ['client', 'service']) {
      const numbers = messages.flatMap((one) =>
        one.end === end && one.facts?.sequence !== undefined ? [one.facts.sequence.number] : [],
      );
      expect([...new Set(numbers)].sort((one, other) => one - other)).toEqual(
        Array.from({ length: 12 }, (_, at) => at + 1),
      );
    }
    const controls = new Set(messages.map(({ facts }) => facts?.control?.kind));
    for (const kind of ['create', 'created', 'close', 'closed', 'terminate', 'terminated'])
      expect(controls).toContain(kind);
    const arrived = messages.filter(({ direction }) => direction === 'in').map(({ n }) => n);
    const told = records.flatMap((record) => (record?.kind === 'evidence' ? [record] : []));
    expect(told.map(({ of }) => of).sort((one, other) => one - other)).toEqual(arrived);
    expect(told.filter(({ accepted }) => accepted).every(({ identity }) => identity?.startsWith('x509:'))).toBe(true);
  });

  test('the chain is what docs/TRANSCRIPT.md says', async () => {
    const file = join(folder(), 'chain.jsonl');
    const recorder = await Recorder.open({ file });
    await recorder.message(seen());
    await recorder.close();
    let chain = '0'.repeat(64);
    for (const line of (await readFile(file, 'utf8')).trimEnd().split('\n')) {
      chain = hash('sha256', `${chain}\n${line.slice(0, -76)}}`);
      expect(line.slice(-66, -2)).toBe(chain);
    }
  });

  test('is readable by its owner only', async () => {
    const file = join(folder(), 'mode.jsonl');
    await (await Recorder.open({ file })).close();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });
});

describe('payloads', () => {
  const octets = utf8(envelope);

  async function written(payloads: Parameters<typeof Recorder.open>[0]['payloads'] & {}) {
    const file = join(folder(), 'payloads.jsonl');
    const recorder = await Recorder.open({ file, payloads });
    await recorder.message(seen(octets));
    await recorder.close();
    const lines = await linesOf(file);
    const header = lines[0]?.record;
    const [first] = messagesOf(lines);
    if (first === undefined || header?.kind !== 'transcript') throw new Error('nothing was recorded');
    return { text: await readFile(file, 'utf8'), first, header };
  }

  test('kept: octet for octet', async () => {
    const { first } = await written('kept');
    expect(Buffer.from(new PayloadReader().read(first.payload) ?? [])).toEqual(Buffer.from(octets));
  });

  test('digested: nothing of them but SHA-256', async () => {
    const { first, text } = await written('digested');
    expect(first.payload).toEqual({ form: 'digested', sha256: hash('sha256', octets) });
    expect(text).not.toContain('Envelope xmlns');
  });

  test('encrypted: each reader that was named opens them, and nobody else', async () => {
    const { client, service, stranger } = await pki();
    const { first, header, text } = await written({ encryptTo: [client.certificate, service.certificate] });
    expect(text).not.toContain('Envelope xmlns');
    for (const reader of [client, service]) {
      const payloads = new PayloadReader([KeyObject.from(reader.pair.privateKey)]);
      await payloads.header(header);
      expect(Buffer.from(payloads.read(first.payload) ?? [])).toEqual(Buffer.from(octets));
    }
    const other = new PayloadReader([KeyObject.from(stranger.pair.privateKey)]);
    await other.header(header);
    expect(() => other.read(first.payload)).toThrow(expect.objectContaining({ code: 'AUDIT_KEY' }));
  });
});

describe('what is never written', () => {
  test('the password of a UsernameToken, and the record says so', async () => {
    const file = join(folder(), 'password.jsonl');
    await using recorder = await Recorder.open({ file });
    const wire = loopback();
    const at = new URL('loopback://service.example/orders');
    const unsafe = [unsafeWithoutTls] as const;
    const via = (policy: Parameters<typeof security>[0]) =>
      binding([exchange({ addressing: addressing200508 }), security(policy)], recorded(wire, recorder));
    const passwords = { password: () => 'correct horse battery' };
    await using _ = await listen(via(usernameOverTransport({ passwords, unsafe })), at, async () => undefined).then(
      (listener) => ({ [Symbol.asyncDispose]: () => listener.close() }),
    );
    const username = { user: 'alice', password: 'correct horse battery', form: 'text' } as const;
    const channel = connect(via(usernameOverTransport({ username, unsafe })), at);
    const body = XmlFragment.parse('<o:Order xmlns:o="urn:orders"/>');
    await channel.send(delivery(message({ version: soap12, action: 'urn:orders/place', body })));
    await channel.close();
    await recorder.close();
    const text = await readFile(file, 'utf8');
    expect(text).not.toContain('correct horse');
    expect(text).toContain('struck-out');
    const struck = messagesOf(await linesOf(file)).flatMap((one) => one.struck ?? []);
    expect(struck.filter((name) => name.endsWith('}Password'))).toHaveLength(2);
  });

  const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
  const wsu = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
  const ds = 'http://www.w3.org/2000/09/xmldsig#';
  const token = (inside: string) =>
    utf8(
      `<h xmlns:w="${wsse}" xmlns:u="${wsu}" xmlns:d="${ds}"><w:UsernameToken u:Id="t"><w:Username>alice</w:Username>${inside}</w:UsernameToken>` +
        '<d:Signature><d:SignedInfo><d:Reference URI="#t"><d:DigestValue>AAAA</d:DigestValue></d:Reference></d:SignedInfo><d:SignatureValue>BBBB</d:SignatureValue></d:Signature></h>',
    );
  const textOf = (octets: Uint8Array) => {
    const result = strike(octets);
    if (result.kind !== 'struck') throw new Error(`it is ${result.kind}`);
    return Buffer.from(result.octets).toString();
  };

  test.each([
    ['in a comment', '<w:Password><!-- > -->secret</w:Password>'],
    ['with a sign in an attribute', '<w:Password Type="a>b">secret</w:Password>'],
    ['in CDATA', '<w:Password><![CDATA[secret</w:Password>]]></w:Password>'],
    ['with an entity', '<w:Password>s&#x65;cret</w:Password>'],
    ['twice', '<w:Password>secret</w:Password><w:Password>secret</w:Password>'],
    ['around an element', '<w:Password><x>secret</x></w:Password>'],
  ])('a password %s', (_, inside) => {
    const text = textOf(token(inside));
    expect(text).not.toMatch(/secret|s&#x65;cret/);
    expect(scan(utf8(text)).root.local).toBe('h');
  });

  test('what a guess could be tried with: digest and signature over a password without a nonce', () => {
    const text = textOf(token('<w:Password>secret</w:Password>'));
    expect(text).not.toMatch(/AAAA|BBBB/);
  });

  test('a password digest goes with its nonce; the signature over both then tells nothing and stays', () => {
    const nonce = Buffer.alloc(16, 7).toString('base64');
    const text = textOf(token(`<w:Password>digest</w:Password><w:Nonce>${nonce}</w:Nonce>`));
    expect(text).not.toContain(nonce);
    expect(text).not.toContain('digest');
    expect(text).toMatch(/AAAA.*BBBB/);
  });

  test('octets that may hold a password and cannot be read', async () => {
    const file = join(folder(), 'withheld.jsonl');
    const recorder = await Recorder.open({ file });
    await recorder.message(seen(utf8('<w:Password>secret')));
    await recorder.close();
    expect(await readFile(file, 'utf8')).not.toContain('secret');
    expect(messagesOf(await linesOf(file))[0]).toMatchObject({ payload: { form: 'withheld' } });
  });

  test('secrets of WS-Trust', () => {
    const trust = 'http://docs.oasis-open.org/ws-sx/ws-trust/200512';
    expect(
      textOf(utf8(`<t:Entropy xmlns:t="${trust}"><t:BinarySecret>c2VjcmV0</t:BinarySecret></t:Entropy>`)),
    ).not.toContain('c2VjcmV0');
  });
});

describe('files', () => {
  test('a crash leaves a readable prefix, and the next run goes on behind it', async () => {
    const file = join(folder(), 'crash.jsonl');
    const first = await Recorder.open({ file });
    await first.message(seen());
    await first.message(seen());
    const { size } = await stat(file);
    await truncate(file, size - 40);
    const second = await Recorder.open({ file });
    await second.message(seen());
    await second.close();
    const lines = await linesOf(file);
    expect(lines.map(({ record, trouble }) => record?.kind ?? trouble?.kind)).toEqual([
      'transcript',
      'message',
      'torn',
      'transcript',
      'message',
      'end',
    ]);
    expect(lines.filter(({ trouble }) => trouble !== undefined)).toHaveLength(1);
  });

  test('parts are turned over, chain and numbers go on, and reading finds them all', async () => {
    const at = folder();
    const file = join(at, 'parts.jsonl');
    const recorder = await Recorder.open({ file, maxPartBytes: 2_000 });
    for (let number = 0; number < 20; number++) await recorder.message(seen());
    await recorder.close();
    expect((await readdir(at)).length).toBeGreaterThan(3);
    const lines = await linesOf(file);
    expect(lines.filter(({ trouble }) => trouble !== undefined)).toEqual([]);
    expect(messagesOf(lines)).toHaveLength(20);
    const again = await Recorder.open({ file, maxPartBytes: 2_000 });
    await again.message(seen());
    await again.close();
    expect(messagesOf(await linesOf(file))).toHaveLength(21);
  });

  test('when there are as many parts as allowed, nothing is recorded and whoever records hears of it', async () => {
    const recorder = await Recorder.open({ file: join(folder(), 'full.jsonl'), maxPartBytes: 500, maxParts: 2 });
    const all = async () => {
      for (let number = 0; number < 20; number++) await recorder.message(seen());
    };
    await expect(all()).rejects.toMatchObject({ code: 'AUDIT_FULL' });
    await expect(recorder.close()).rejects.toMatchObject({ code: 'AUDIT_FULL' });
  });

  test('a second writer is found out', async () => {
    const file = join(folder(), 'shared.jsonl');
    const recorder = await Recorder.open({ file });
    await appendFile(file, '{}\n');
    await expect(recorder.message(seen())).rejects.toMatchObject({ code: 'AUDIT_SHARED' });
    await expect(recorder.close()).rejects.toMatchObject({ code: 'AUDIT_SHARED' });
  });

  test('a file that is something else is left alone', async () => {
    const file = join(folder(), 'foreign.txt');
    await writeFile(file, 'my diary\n');
    await expect(Recorder.open({ file })).rejects.toMatchObject({ code: 'AUDIT_FOREIGN' });
    expect(await readFile(file, 'utf8')).toBe('my diary\n');
    await expect(linesOf(file)).rejects.toMatchObject({
      code: 'AUDIT_FOREIGN',
    });
  });

  test('what cannot be recorded is not sent', async () => {
    const file = join(folder(), 'closed.jsonl');
    const recorder = await Recorder.open({ file });
    await recorder.close();
    await expect(converse({ messages: 1, recorders: { client: recorder } })).rejects.toMatchObject({
      cause: { code: 'AUDIT_CLOSED' },
    });
  });

  test('a changed, dropped or inserted line breaks the chain where it happened', async () => {
    const file = join(folder(), 'tampered.jsonl');
    const recorder = await Recorder.open({ file });
    for (let number = 1; number < 6; number++) await recorder.message(seen(utf8(envelope), number));
    await recorder.close();
    const whole = (await readFile(file, 'utf8')).split('\n');
    const troubles = async (lines: readonly string[]) => {
      await writeFile(file, lines.join('\n'));
      return (await linesOf(file)).flatMap(({ line, trouble }) =>
        trouble === undefined ? [] : [[line, trouble.kind]],
      );
    };
    expect(await troubles(whole)).toEqual([]);
    expect(await troubles(whole.with(2, (whole[2] ?? '').replace('"exchange":2', '"exchange":7')))).toEqual([
      [3, 'chain'],
    ]);
    expect(await troubles(whole.toSpliced(2, 1))).toEqual([[3, 'chain']]);
    expect(await troubles(whole.toSpliced(2, 0, whole[1] ?? ''))).toEqual([[3, 'chain']]);
  });
});
