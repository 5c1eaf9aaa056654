/** Delivery receipts: given by the service, stored by the sender, checked without asking again; stamped by `openssl ts`. */
import { execFileSync, spawnSync } from 'node:child_process';
import { KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { compactVerify, importX509 } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { sourcesAt } from '../../src/audit/import/source.ts';
import type { StoredReceipt } from '../../src/audit/receipt/check.ts';
import { collecting, issuing } from '../../src/audit/receipt/issuing.ts';
import { mostNumbers, type ReceiptClaims, readReceipt, writeReceipt } from '../../src/audit/receipt/receipt.ts';
import { requestTimestamp, verifyTimestamp } from '../../src/audit/receipt/timestamp.ts';
import { Recorder } from '../../src/audit/transcript/recorder.ts';
import { verify } from '../../src/audit/verify/verify.ts';
import { instant } from '../../src/base/clock.ts';
import { stamping } from '../../src/cli/receipts.ts';
import { type Trust, trustChain } from '../../src/security/trust.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { type Pki, pki } from '../security/rig.ts';
import { converse, folder } from './support.ts';

let all: Pki;
let trust: Trust;
/** A conversation that ended with a receipt, and the transcript of its sender. */
let stored: StoredReceipt;
let transcript: string;

beforeAll(async () => {
  all = await pki();
  trust = trustChain({ anchors: all.root.certificate });
  transcript = join(folder(), 'sender.jsonl');
  const received: StoredReceipt[] = [];
  const recorder = await Recorder.open({ file: transcript });
  const { delivered } = await converse({
    messages: 20,
    recorders: { client: recorder },
    network: { loseRequest: 0.1, loseReply: 0.1, duplicate: 0.1 },
    around: {
      client: (session) =>
        collecting(session, { received: (jws, timestamp) => void received.push({ where: 'it', jws, timestamp }) }),
      service: (session) => issuing(session, { key: all.service.key() }),
    },
  });
  await recorder.close();
  expect(delivered).toBe(20);
  const [first, ...again] = received;
  if (first === undefined) throw new Error('no receipt came');
  // An answer that is sent again bears the same receipt.
  for (const one of again) expect(one.jws).toBe(first.jws);
  stored = first;
});

const claims = (more: Partial<ReceiptClaims> = {}): ReceiptClaims => ({
  sequence: 'urn:uuid:5e9',
  source: 'x509:00',
  numbers: [[1, 2]],
  bodies: ['A'.repeat(43), 'B'.repeat(43)],
  final: true,
  issued: instant(Date.UTC(2026, 10, 28)),
  ...more,
});

async function checked(receipt: StoredReceipt, sources = [transcript], given: Trust | undefined = trust) {
  const read = (await Promise.all(sources.map((path) => sourcesAt(path)))).flat();
  return verify(read, { trust: given, receipts: [receipt], secondEngine: false });
}

/** A request that the network repeats may be refused as its own copy, which an end hears without a signature: that is noted. */
const against = ({ findings }: Awaited<ReturnType<typeof verify>>) =>
  findings.filter(({ weight }) => weight !== 'note');

describe('a receipt', () => {
  test('covers every message of the sequence and fits what was sent', async () => {
    const found = await checked(stored);
    expect(against(found)).toEqual([]);
    expect(found.verdict).toBe('sound');
    expect(found.receipts).toMatchObject([{ numbers: [[1, 20]], matched: 20, final: true, signer: 'CN=service' }]);
  });

  test('is a JWS that jose verifies with the certificate in it', async () => {
    const header = JSON.parse(Buffer.from(stored.jws.split('.')[0] ?? '', 'base64url').toString());
    const pem = `-----BEGIN CERTIFICATE-----\n${header.x5c[0]}\n-----END CERTIFICATE-----`;
    const { payload } = await compactVerify(stored.jws, await importX509(pem, header.alg));
    expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({
      format: 'surewire-receipt/1',
      numbers: [[1, 20]],
    });
  });

  test('by itself is not enough: what it is about has to be there', async () => {
    const found = await checked(stored, []);
    expect(found.verdict).toBe('unchecked');
    expect(Object.keys(found.counts).sort()).toEqual(['nothing-to-verify', 'receipt-unmatched']);
  });

  test.each(['rsa', 'ec'] as const)('can be signed with a key of the kind %s', async (kind) => {
    const key = (kind === 'rsa' ? all.client : all.service).key();
    expect(await readReceipt(await writeReceipt(claims(), key))).toMatchObject(claims());
  });
});

describe('tampering with receipts', () => {
  const again = async (change: (claims: ReceiptClaims) => Partial<ReceiptClaims>, by = all.service) => {
    const { jws, signer, others, signature, ...said } = await readReceipt(stored.jws);
    return { where: 'it', jws: await writeReceipt({ ...said, ...change(said) }, by.key()) };
  };
  test.each([
    [
      'a receipt whose payload was changed',
      'receipt-invalid',
      async () => {
        const [header, payload = '', value] = stored.jws.split('.');
        const other = Buffer.from(
          Buffer.from(payload, 'base64url').toString().replace('[[1,20]]', '[[1,19]]'),
        ).toString('base64url');
        return { where: 'it', jws: `${header}.${other}.${value}` };
      },
    ],
    [
      'an unsigned receipt',
      'receipt-invalid',
      async () => {
        const [, payload] = stored.jws.split('.');
        return {
          where: 'it',
          jws: `${Buffer.from('{"alg":"none","typ":"surewire-receipt+jws"}').toString('base64url')}.${payload}.`,
        };
      },
    ],
    [
      'a receipt signed with a secret that is the public key',
      'receipt-invalid',
      async () => {
        const { CompactSign } = await import('jose');
        const secret = KeyObject.from(all.service.pair.publicKey).export({ type: 'spki', format: 'der' });
        const [header, payload = ''] = stored.jws.split('.');
        const { x5c } = JSON.parse(Buffer.from(header ?? '', 'base64url').toString());
        const forged = new CompactSign(Buffer.from(payload, 'base64url')).setProtectedHeader({
          alg: 'HS256',
          typ: 'surewire-receipt+jws',
          x5c,
        });
        return { where: 'it', jws: await forged.sign(secret) };
      },
    ],
    ['something that is no receipt', 'receipt-invalid', async () => ({ where: 'it', jws: 'no receipt' })],
    ['a receipt of somebody else', 'receipt-issuer', () => again(() => ({}), all.client)],
    ['a receipt of a self-made service', 'certificate-untrusted', () => again(() => ({}), all.stranger)],
    [
      'a receipt for another body',
      'receipt-differs',
      () => again(({ bodies }) => ({ bodies: bodies.with(3, 'A'.repeat(43)) })),
    ],
    [
      'a receipt for more than was sent',
      'receipt-differs',
      () => again(({ bodies }) => ({ numbers: [[1, 21]], bodies: [...bodies, 'A'.repeat(43)] })),
    ],
    ['a receipt for another sender', 'receipt-differs', () => again(() => ({ source: 'x509:00' }))],
    ['a receipt for another sequence', 'receipt-unmatched', () => again(() => ({ sequence: 'urn:uuid:other' }))],
    [
      'a time stamp that is none',
      'receipt-timestamp',
      async () => ({ ...stored, timestamp: new Uint8Array([0x30, 0x00]) }),
    ],
  ] as const)('%s: %s', async (_, code, make) => {
    const found = await checked(await make());
    expect(Object.keys(found.counts)).toContain(code);
    expect(found.verdict).not.toBe('sound');
  });

  test.each([
    [
      'ranges that overlap',
      {
        numbers: [
          [1, 2],
          [2, 3],
        ],
        bodies: Array(4).fill('A'.repeat(43)),
      },
    ],
    ['fewer bodies than numbers', { numbers: [[1, 3]] }],
    [
      'more numbers than are allowed',
      { numbers: [[1, mostNumbers + 1]], bodies: Array(mostNumbers + 1).fill('A'.repeat(43)) },
    ],
    ['a digest of another length', { bodies: ['A'.repeat(43), 'B'] }],
  ] as const)('%s are no receipt', async (_, more) => {
    const jws = await writeReceipt(claims(more as Partial<ReceiptClaims>), all.service.key());
    await expect(readReceipt(jws)).rejects.toMatchObject({ code: 'AUDIT_RECEIPT' });
  });
});

test('two messages under one number: no receipt for either', async () => {
  const received: string[] = [];
  await converse({
    messages: 4,
    recorders: {},
    session: { firstPatience: 20_000, retryFloor: 10_000, retryCeiling: 20_000 },
    network: { patience: 20_000 },
    around: {
      client: (session) => collecting(session, { received: (jws) => void received.push(jws) }),
      service: (session) => {
        const given = issuing(session, { key: all.service.key() });
        // Below the session and the receipts: number 2 comes twice, with another body first.
        return {
          ...given,
          wrap: (inner) =>
            given.wrap((receive) =>
              inner(async (arrived) => {
                const { message } = arrived;
                const isSecond = message.headers.some(({ fragment }) =>
                  fragment.toString().includes('MessageNumber>2<'),
                );
                if (isSecond)
                  await receive(arrived.carrying({ ...message, body: other(message.body) })).catch(() => undefined);
                return receive(arrived);
              }),
            ),
        };
      },
    },
  });
  const { numbers } = await readReceipt(received[0] ?? '');
  expect(numbers).toEqual([
    [1, 1],
    [3, 4],
  ]);
});

/** The Body with another order in it. */
function other(body: XmlFragment): XmlFragment {
  return XmlFragment.parse(body.toString().replace('order 2', 'order 9'));
}

const openssl = spawnSync('openssl', ['version']).status === 0;
if (!openssl) console.info('time stamps of openssl skipped: openssl is not installed');

describe.skipIf(!openssl)('time stamps (RFC 3161), by openssl ts', () => {
  const at = folder();
  const run = (...args: readonly string[]) =>
    execFileSync('openssl', args, { cwd: at, stdio: ['ignore', 'pipe', 'pipe'] });
  let authority: Trust;

  beforeAll(() => {
    mkdirSync(join(at, 'ca'), { recursive: true });
    writeFileSync(join(at, 'serial'), '01\n');
    writeFileSync(
      join(at, 'tsa.cnf'),
      `[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n[stamp]\nbasicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n[other]\nbasicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n` +
        '[tsa]\ndefault_tsa=one\n[one]\ndir=.\nserial=./serial\ncrypto_device=builtin\nsigner_cert=stamp.pem\ncerts=root.pem\nsigner_key=stamp.key\nsigner_digest=sha256\ndefault_policy=1.2.3.4.1\ndigests=sha256\naccuracy=secs:1\nordering=yes\ntsa_name=no\ness_cert_id_chain=no\ness_cert_id_alg=sha256\n',
    );
    run(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'root.key',
      '-out',
      'root.pem',
      '-subj',
      '/CN=DEV ONLY TSA root',
      '-days',
      '30',
      '-config',
      'tsa.cnf',
      '-extensions',
      'ca',
    );
    for (const name of ['stamp', 'other']) {
      run(
        'req',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
        '-subj',
        `/CN=DEV ONLY ${name}`,
        '-config',
        'tsa.cnf',
      );
      run(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'root.pem',
        '-CAkey',
        'root.key',
        '-CAcreateserial',
        '-out',
        `${name}.pem`,
        '-days',
        '30',
        '-extfile',
        'tsa.cnf',
        '-extensions',
        name,
      );
    }
    authority = trustChain({ anchors: readFileSync(join(at, 'root.pem')) });
  });

  const answer = async (request: Uint8Array): Promise<Uint8Array> => {
    writeFileSync(join(at, 'request.tsq'), request);
    run('ts', '-reply', '-config', 'tsa.cnf', '-queryfile', 'request.tsq', '-out', 'answer.tsr');
    return new Uint8Array(readFileSync(join(at, 'answer.tsr')));
  };
  const octets = new TextEncoder().encode('what was signed');

  test('openssl answers our request, we verify its token, and openssl verifies it too', async () => {
    const token = await requestTimestamp(octets, { fetch: answer });
    const { time, authority: by } = await verifyTimestamp(token, octets, authority);
    expect(by.subject).toBe('CN=DEV ONLY stamp');
    expect(Math.abs(time - Date.now())).toBeLessThan(60_000);
    writeFileSync(join(at, 'token.der'), token);
    writeFileSync(join(at, 'data'), octets);
    run('ts', '-verify', '-token_in', '-in', 'token.der', '-data', 'data', '-CAfile', 'root.pem');
  });

  describe('over HTTP, as `surewire serve --tsa` asks', () => {
    const authorityAt = async (
      reply: (request: Uint8Array) => Promise<readonly [status: number, body: Uint8Array]>,
    ) => {
      const types: (string | undefined)[] = [];
      const server = createServer(async (request, response) => {
        types.push(request.headers['content-type']);
        const parts: Buffer[] = [];
        for await (const part of request) parts.push(part);
        const [status, body] = await reply(Buffer.concat(parts));
        response.writeHead(status).end(body);
      });
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      const { timestamp } = stamping(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      if (timestamp === undefined) throw new Error('nothing to ask');
      return { types, ask: () => timestamp(stored.jws).finally(() => server.close()) };
    };

    test('openssl stamps the signature of a receipt', async () => {
      const { types, ask } = await authorityAt(async (request) => [200, await answer(request)]);
      const token = await ask();
      const { signature } = await readReceipt(stored.jws);
      expect((await verifyTimestamp(token, signature, authority)).authority.subject).toBe('CN=DEV ONLY stamp');
      expect(types).toEqual(['application/timestamp-query']);
    });

    test.each([
      ['an error', 500, new Uint8Array(), /status 500/],
      ['more than a time stamp has', 200, new Uint8Array(200_000), /too long/],
      ['something else', 200, new TextEncoder().encode('<html/>'), /no time stamp/],
    ])('%s is none', async (_, status, body, says) => {
      const { ask } = await authorityAt(async () => [status, body]);
      await expect(ask()).rejects.toThrow(says);
    });
  });

  test('a receipt bears one, and it is verified with it', async () => {
    const { signature } = await readReceipt(stored.jws);
    const timestamp = await requestTimestamp(signature, { fetch: answer });
    const sources = await sourcesAt(transcript);
    const found = await verify(sources, {
      trust,
      timestampTrust: authority,
      receipts: [{ ...stored, timestamp }],
      secondEngine: false,
    });
    expect(against(found)).toEqual([]);
    expect(found.receipts[0]?.stamped).toMatch(/^20\d\d-/);
  });

  test.each([
    [
      'over something else',
      async () =>
        verifyTimestamp(await requestTimestamp(octets, { fetch: answer }), new TextEncoder().encode('else'), authority),
      'AUDIT_TIMESTAMP',
    ],
    [
      'whose signature was changed',
      async () => {
        const token = await requestTimestamp(octets, { fetch: answer });
        token[token.length - 3] = (token[token.length - 3] ?? 0) ^ 1;
        return verifyTimestamp(token, octets, authority);
      },
      'AUDIT_TIMESTAMP',
    ],
    [
      'of an authority that nobody trusts',
      async () => verifyTimestamp(await requestTimestamp(octets, { fetch: answer }), octets, trust),
      'SECURITY_CERTIFICATE_UNTRUSTED',
    ],
    [
      'that answers another request',
      async () => {
        const first: Uint8Array[] = [];
        await requestTimestamp(octets, {
          fetch: async (request) => {
            const given = await answer(request);
            first.push(given);
            return given;
          },
        });
        return requestTimestamp(octets, { fetch: async () => first[0] ?? new Uint8Array() });
      },
      'AUDIT_TIMESTAMP',
    ],
    [
      'that is a refusal',
      async () =>
        requestTimestamp(octets, { fetch: async () => new Uint8Array([0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02]) }),
      'AUDIT_TIMESTAMP',
    ],
    [
      'that is no answer',
      async () => requestTimestamp(octets, { fetch: async () => new Uint8Array([1, 2, 3]) }),
      'AUDIT_TIMESTAMP',
    ],
  ] as const)('a time stamp %s does not count', async (_, work, code) => {
    await expect(work()).rejects.toMatchObject({ code });
  });
});
