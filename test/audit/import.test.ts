/** Logs of others: what was recorded here is found again in each format, verifies, and what is cut or foreign is told. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { sourcesAt } from '../../src/audit/import/source.ts';
import { reportOf } from '../../src/audit/report/report.ts';
import type { MessageRecord, TranscriptRecord } from '../../src/audit/transcript/record.ts';
import { verify } from '../../src/audit/verify/verify.ts';
import { certificates } from '../../src/security/certificates.ts';
import { signingKey } from '../../src/security/keys.ts';
import { trustChain } from '../../src/security/trust.ts';
import { cxfLog, envelopes, har, metroLog, olderCxfLog, rawHttp, svclog } from './foreign.ts';
import { folder } from './support.ts';
import { type Golden, golden, isMessage, text } from './tampering.ts';

let stage: Golden;
let messages: readonly MessageRecord[];
beforeAll(async () => {
  stage = await golden();
  messages = stage.records.filter(isMessage);
});

function file(name: string, content: string): string {
  const path = join(folder(), name);
  writeFileSync(path, content);
  return path;
}

const formats: readonly (readonly [format: string, make: () => string])[] = [
  ['WCF message log', () => file('messages.svclog', svclog(messages))],
  ['HAR', () => file('traffic.har', har(messages))],
  ['raw HTTP', () => rawHttp(messages)],
  ['envelopes', () => envelopes(messages)],
  ['log', () => file('cxf.log', cxfLog(messages))],
  ['log', () => file('older-cxf.log', olderCxfLog(messages))],
  ['log', () => file('metro.log', metroLog(messages))],
];

async function recordsAt(path: string): Promise<{ records: TranscriptRecord[]; troubles: string[]; format: string }> {
  const records: TranscriptRecord[] = [];
  const troubles: string[] = [];
  const [source] = await sourcesAt(path);
  for await (const { record, trouble } of source?.lines ?? []) {
    if (record !== undefined) records.push(record);
    if (trouble?.kind === 'foreign') troubles.push(trouble.reason);
  }
  return { records, troubles, format: source?.format ?? '' };
}

describe.each(formats)('%s', (format, make) => {
  test('every message is found, in its exchange, and the conversation is sound', async () => {
    const path = make();
    const read = await recordsAt(path);
    expect(read.format).toBe(format);
    expect(read.troubles).toEqual([]);
    const found = read.records.filter(isMessage);
    const essence = ({ leg, facts }: MessageRecord) => [leg, facts?.action, facts?.sequence?.number];
    expect(found.map(essence).sort()).toEqual(messages.map(essence).sort());
    for (const reply of found.filter(({ leg }) => leg === 'reply')) {
      const request = found.find(({ leg, exchange }) => leg === 'request' && exchange === reply.exchange);
      expect(request, `the request of exchange ${reply.exchange}`).toBeDefined();
    }
    const trust = trustChain({ anchors: stage.all.root.certificate });
    const { verdict, findings } = await verify(await sourcesAt(path, { secrets: 'kept' }), {
      trust,
      secondEngine: false,
    });
    expect(findings).toEqual([]);
    expect(verdict).toBe('sound');
  });

  test('it draws: every message an arrow between two ends, in the sequence that it belongs to', async () => {
    const path = make();
    const { records } = await recordsAt(path);
    const model = await reportOf(await sourcesAt(path), { title: format, now: 0 });
    const sequences = new Set(messages.flatMap(({ facts }) => facts?.sequence?.id ?? []));
    expect(model.rows).toHaveLength(records.filter(isMessage).length);
    expect(model.ends).toHaveLength(2);
    expect(new Set(model.sequences.filter(({ transmissions }) => transmissions > 0).map(({ id }) => id))).toEqual(
      sequences,
    );
    for (const { from, leg } of model.rows) expect(from).toBe(leg === 'reply' ? 1 : 0);
    expect(model.rows.every(({ text: index }) => index !== undefined && model.texts[index] !== undefined)).toBe(true);
  });
});

test('passwords, credentials and queries of foreign files are not handed on', async () => {
  const [first] = messages;
  if (first === undefined) throw new Error('nothing was recorded');
  const token =
    '<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><w:UsernameToken><w:Username>a</w:Username><w:Password>secret</w:Password></w:UsernameToken></w:Security></s:Header>';
  const open = {
    ...first,
    payload: { form: 'kept', text: text(first).replace(/<wsse:Security.*<\/s:Header>/s, token) },
  } as const;
  const { records } = await recordsAt(file('open.har', har([open])));
  const [found] = records.filter(isMessage);
  expect(found?.struck).toHaveLength(1);
  const octets =
    found?.payload.form === 'kept' && 'base64' in found.payload ? Buffer.from(found.payload.base64, 'base64') : '';
  expect(`${JSON.stringify(records)}${octets}`).not.toMatch(/secret|c2VjcmV0/);
});

describe('what cannot be read is told, and what can be is read', () => {
  const cases: readonly (readonly [name: string, make: () => string, reason: RegExp, found: number])[] = [
    ['a log that was cut', () => file('cut.svclog', svclog(messages).slice(0, -300)), /cut/, -1],
    [
      'an event that is no XML',
      () => file('bad.svclog', `${svclog(messages.slice(0, 2))}<E2ETraceEvent><a></E2ETraceEvent>`),
      /expected|end tag/i,
      2,
    ],
    ['an archive that is no JSON', () => file('bad.har', '{"log": {'), /JSON/i, 0],
    ['a text log that was cut', () => file('cut.log', cxfLog(messages).slice(0, -400)), /no end/, -1],
    [
      'an HTTP body that was cut',
      () => file('cut.http', 'POST /a HTTP/1.1\r\nContent-Length: 99\r\n\r\n<a/>'),
      /cut/,
      0,
    ],
    [
      'an HTTP message that was compressed by nobody',
      () => file('zip.http', 'POST /a HTTP/1.1\r\nContent-Encoding: br\r\n\r\n<a/>'),
      /br/,
      0,
    ],
    [
      'attachments',
      () => file('mtom.http', 'POST /a HTTP/1.1\r\nContent-Type: multipart/related\r\n\r\n--x'),
      /attachments/,
      0,
    ],
  ];
  test.each(cases)('%s', async (_, make, reason, found) => {
    const path = make();
    const read = await recordsAt(path);
    expect(read.troubles.join()).toMatch(reason);
    const count = read.records.filter(isMessage).length;
    if (found >= 0) expect(count).toBe(found);
    else expect(count).toBe(messages.length - 1);
    const { verdict } = await verify(await sourcesAt(path), { secondEngine: false });
    expect(verdict).not.toBe('sound');
  });

  test('a bomb of zeros is not blown up', async () => {
    const { gzipSync } = await import('node:zlib');
    const bomb = gzipSync(Buffer.alloc(40_000_000));
    const head = Buffer.from(`POST /a HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\n\r\n`);
    const path = file('bomb.http', '');
    writeFileSync(path, Buffer.concat([head, bomb]));
    expect((await recordsAt(path)).troubles).toHaveLength(1);
  });

  test('a folder with nothing in it, and a file that is not there', async () => {
    await expect(sourcesAt(folder())).rejects.toMatchObject({ code: 'AUDIT_FOREIGN' });
    await expect(sourcesAt(join(folder(), 'none'))).rejects.toMatchObject({ code: 'AUDIT_FILE' });
  });
});

const captures = join(import.meta.dirname, '../../../shared/captures');
const there = existsSync(captures);
if (!there) console.info(`imports of captures skipped: ${captures} is absent`);

describe.skipIf(!there)('what WCF and Metro said to each other', () => {
  const runs = there
    ? readdirSync(captures).filter((name) => existsSync(join(captures, name, '001-request.http')))
    : [];
  const pem = (name: string) => new Uint8Array(readFileSync(join(captures, 'pki', name)));
  const verified = async (run: string, secondEngine = false) => {
    const trust = trustChain({ anchors: certificates(pem('ca.cert.pem')) });
    const keys = ['alice', 'bob'].flatMap((name) => {
      const { certificate, decrypter } = signingKey({
        privateKey: pem(`${name}.key.pem`),
        certificate: pem(`${name}.cert.pem`),
      });
      return decrypter === undefined ? [] : [{ certificate, decrypter }];
    });
    const options = { trust, keys, unsafeSha1: true, secondEngine };
    return verify(await sourcesAt(join(captures, run), { secrets: 'kept' }), options);
  };

  test('all of it imports, and nothing of it is called unsound', async () => {
    expect(runs.length).toBeGreaterThan(55);
    let messages = 0;
    for (const run of runs) {
      const found = await verified(run);
      expect(
        found.findings.filter(({ weight }) => weight === 'unsound'),
        run,
      ).toEqual([]);
      expect(found.counts['message-unreadable'] ?? 0, run).toBe(0);
      messages += found.messages;
      const drawn = await reportOf(await sourcesAt(join(captures, run)), { title: run, now: 0 });
      // A fault that nobody signed is told by itself.
      expect(drawn.rows.length, run).toBe(found.messages + (found.counts['fault-unsigned'] ?? 0));
    }
    expect(messages).toBeGreaterThan(700);
  });

  test.each([
    'metro-mutual10',
    'metro-mutual11',
    'metro-mutual11-rm11',
    'metro-mutual11-sigconf',
    'metro-user11',
    'metro-anon11',
    'metro-sc-anon11',
    'metro-sc-user11',
    'metro-sc-mutual10',
    'metro-sc-mutual11',
    'metro-sc-mutual11-sc05',
    'metro-sc-mutual11-noderive',
    'metro-sc-mutual11-rm11',
    'metro-sc-mutual11-rm11-sha256',
    'metro-sc-mutual11-rm11-fault',
    'metro-sc-mutual11-rm11-seqstr-inorder-sigconf',
  ])('%s is sound with the keys of both ends: decrypted, every signature verified', async (run) => {
    const found = await verified(run);
    expect(found.findings).toEqual([]);
    expect(found.verdict).toBe('sound');
  });

  test.each(['metro-mutual11', 'metro-sc-mutual11', 'wcf-metro-cert-tls'])('both engines agree on %s', async (run) => {
    const found = await verified(run, true);
    expect(found.counts['engines-disagree']).toBeUndefined();
    expect(found.secondOpinions.agreed).toBeGreaterThan(4);
    expect(found.verdict).not.toBe('unsound');
  });

  test('without keys nothing that is encrypted passes, and without trust nothing at all', async () => {
    const sources = () => sourcesAt(join(captures, 'metro-mutual11-rm11'));
    const trust = trustChain({ anchors: certificates(pem('ca.cert.pem')) });
    const locked = await verify(await sources(), { trust, unsafeSha1: true, secondEngine: false });
    expect(locked.verdict).toBe('unchecked');
    expect(locked.counts['message-encrypted']).toBeGreaterThan(5);
    const weak = await verify(await sourcesAt(join(captures, 'metro-mutual10')), { trust, secondEngine: false });
    expect(weak.verdict).toBe('unchecked');
  });
});
