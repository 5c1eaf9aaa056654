/** What is written here by hand is in canonical form, alone and in its place; limits and times behave at their edges. */
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { SecurityError, securityErrorCodes, untrusted } from '../../src/security/errors.ts';
import { writeSecurityHeader } from '../../src/security/header.ts';
import { Protector } from '../../src/security/protect.ts';
import { MemoryReplayCache } from '../../src/security/replay.ts';
import { readTime, writeTime } from '../../src/security/timestamp.ts';
import type { TokenReference } from '../../src/security/tokens/x509.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { examine } from '../../src/security/verify.ts';
import { soap12 } from '../../src/soap/version.ts';
import { canonicalize } from '../../src/xml/canonicalize.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { exclusive } from '../../src/xml/methods.ts';
import { scan } from '../../src/xml/scan.ts';
import { acceptor, order, type Pki, pki, policyOf, read, secured, start } from './rig.ts';

let all: Pki;
beforeAll(async () => {
  all = await pki();
});

const forms: readonly TokenReference[] = ['direct', 'thumbprint', 'key-identifier', 'issuer-serial'];

describe.each(forms)('token reference %s', (reference) => {
  test('the Security header and every part of it are canonical as written', async () => {
    const username = { user: 'a<b & "c"', password: ' x\r\n ', form: 'text' } as const;
    const policy = policyOf(all.client, all.root, { reference, username, signToken: true });
    const message = await new Protector(policy.outbound, seededRandom(1)).protect(order(), instant(start));
    const bytes = message.headers.at(-1)?.fragment.bytes ?? new Uint8Array();
    expect(Buffer.from(canonicalize(scan(bytes).root, exclusive)).toString()).toBe(Buffer.from(bytes).toString());
  });

  test('a receiver that knows the certificate finds it', async () => {
    const octets = await secured(policyOf(all.client, all.root, { reference }));
    const knowing = acceptor(
      policyOf(all.service, all.root, { trust: trustPeers([all.client.certificate, all.root.certificate]) }),
    );
    await knowing.receive(octets);
    expect(knowing.heard).toHaveLength(1);
    const unknowing = acceptor(policyOf(all.service, all.root));
    await unknowing.receive(octets);
    expect(unknowing.heard).toHaveLength(reference === 'direct' ? 1 : 0);
  });
});

test('a Security header without parts is still canonical', () => {
  const { fragment } = writeSecurityHeader(soap12, []);
  expect(XmlFragment.parse(fragment.toString()).toString()).toBe(fragment.toString());
});

test('a user name and password of any characters arrive as they are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), async (password) => {
      fc.pre(/^[\t\n\r\x20-\ud7ff\ue000-\ufffd]*$/u.test(password) && password.trim() !== '');
      const username = { user: 'alice', password, form: 'digest' } as const;
      const octets = await secured(policyOf(all.client, all.root, { username }));
      const end = acceptor(policyOf(all.service, all.root, { passwords: { password: () => password } }));
      await end.receive(octets);
      expect(end.heard).toHaveLength(1);
    }),
    { seed: 20261122, numRuns: 25 },
  );
});

test('a retransmission signs anew only what changed: parts keep their ids', async () => {
  const protector = new Protector(policyOf(all.client, all.root).outbound, seededRandom(1));
  const clear = order();
  const [one, two] = [
    await protector.protect(clear, instant(start)),
    await protector.protect(clear, instant(start + 1)),
  ];
  expect(two?.body).toBe(one?.body);
  expect(two?.headers.at(-1)?.fragment.toString()).not.toBe(one?.headers.at(-1)?.fragment.toString());
});

test('what two ends send alike has the ids of each, and each keeps its own', async () => {
  const ends = [1, 2, 3].map((seed) => new Protector(policyOf(all.client, all.root).outbound, seededRandom(seed)));
  const clear = order();
  const sent: string[][] = [[], [], []];
  for (let round = 0; round < 2; round++) {
    for (const [at, end] of ends.entries()) {
      const { headers, body } = await end.protect(clear, instant(start + round));
      sent[at]?.push([...headers.slice(0, -1).map(({ fragment }) => fragment), body].join('\n'));
      const signed = headers.at(-1)?.fragment.toString() ?? '';
      for (const id of sent[at]?.[round]?.match(/(?<=wsu:Id=")[^"]*/g) ?? []) expect(signed).toContain(`"#${id}"`);
    }
  }
  for (const [first, second] of sent) expect(second).toBe(first);
  expect(new Set(sent.flat()).size).toBe(ends.length);
});

test('what a message says of itself is what was secured (round trip)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 40 }), fc.nat(1000), async (note, seed) => {
      fc.pre(/^[\x20-\x7e]*$/.test(note));
      const text = note.replace(/[<&>]/g, '?');
      const end = acceptor(policyOf(all.service, all.root));
      await end.receive(await secured(policyOf(all.client, all.root), order(soap12, text), start, seed));
      expect(end.heard[0]?.message.body.element.children[0]?.children[1]?.text).toBe(text);
    }),
    { seed: 20261122, numRuns: 25 },
  );
});

describe('times', () => {
  const parse = (text: string) => readTime(scan(Buffer.from(`<t>${text}</t>`)).root);
  test('what is written is read', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('1000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        (date) => {
          expect(parse(writeTime(instant(date.getTime())))).toBe(date.getTime());
        },
      ),
      { seed: 20261122 },
    );
  });
  test.each([
    ['2026-11-22T12:00:00Z', 0],
    ['2026-11-22T12:00:00.5Z', 500],
    ['2026-11-22T12:00:00.1234567Z', 123],
    [' 2026-11-22T12:00:00Z\n', 0],
  ])('%s', (text, milliseconds) => expect(parse(text)).toBe(start + milliseconds));
  test.each([
    '',
    '2026-11-22',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '-2026-01-01T00:00:00Z',
    '0026-01-01T00:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00.0000000000Z',
    '2026-01-01t00:00:00z',
  ])('refused: "%s"', (text) =>
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'SECURITY_TIMESTAMP_INVALID' })),
  );
});

test('the replay cache stays within its limit and sweeps what is over', () => {
  const cache = new MemoryReplayCache(3);
  for (let time = 0; time < 100; time++)
    expect(cache.remember(`k${time}`, instant(time + 1), instant(time))).toBe(true);
  expect(cache.size).toBeLessThanOrEqual(3);
});

test('every error says what to do, and shows text of the other side only made harmless', () => {
  for (const code of securityErrorCodes) {
    expect(new SecurityError(code, 'Something happened.').message).toMatch(/^Something happened\. [A-Z].*\.$/);
  }
  expect(untrusted(`a\u0000\u001b[31m\u202e${'x'.repeat(500)}`)).toMatch(/^a\?\?\[31m\?x{112}…$/);
});

test('a message without the octets it was read from is not examined', async () => {
  const message = read(await secured(policyOf(all.client, all.root)));
  const around = { now: instant(start), replay: new MemoryReplayCache(), peer: undefined };
  await expect(
    examine({ ...message, source: undefined }, policyOf(all.service, all.root).inbound, around),
  ).rejects.toMatchObject({ code: 'SECURITY_INTERNAL' });
});
