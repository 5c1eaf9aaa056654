/** R1 to R5: a message is good once, and not for long. */
import { describe, expect, test } from 'vitest';
import { base64, fromBase64, view } from '../../src/base/bytes.ts';
import { instant } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { Protector } from '../../src/security/protect.ts';
import { MemoryReplayCache } from '../../src/security/replay.ts';
import { writeTimestamp } from '../../src/security/timestamp.ts';
import { encodeEnvelope } from '../../src/soap/envelope.ts';
import { acceptor, order, policyOf, secured, start } from '../security/rig.ts';
import { attacks, craft, cut, fault, prepare, receive, service, swap } from './support.ts';

const wsu = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';

describe('R5 timestamp games', () => {
  const made =
    (content: string, attributes = '') =>
    async (_: string, { pki }: { pki: Awaited<ReturnType<typeof prepare>>['pki'] }) =>
      craft({
        key: pki.client.key(),
        timestamp: `<wsu:Timestamp xmlns:wsu="${wsu}" wsu:Id="time"${attributes}>${content}</wsu:Timestamp>`,
      });
  const created = (text: string) => `<wsu:Created>${text}</wsu:Created>`;
  const expires = (text: string) => `<wsu:Expires>${text}</wsu:Expires>`;
  const at = (offset: number) => new Date(start + offset).toISOString();
  attacks([
    [
      'no Timestamp',
      'SECURITY_TIMESTAMP_MISSING',
      (_, { pki }) => craft({ key: pki.client.key(), timestamp: undefined }),
    ],
    ['changed after signing', 'SECURITY_DIGEST', (valid) => swap(valid, '12:05:00', '12:04:59')],
    [
      'changed and its reference removed',
      'SECURITY_SIGNATURE',
      (valid) => {
        const id = /<wsu:Timestamp [^>]*wsu:Id="([^"]*)"/.exec(valid)?.[1] ?? '';
        const reference =
          [...valid.matchAll(/<ds:Reference .*?<\/ds:Reference>/g)].find(([text]) => text.includes(`#${id}"`))?.[0] ??
          '';
        return swap(swap(valid, '12:05:00', '12:04:59'), reference, '');
      },
    ],
    ['stale beyond the skew', 'SECURITY_TIMESTAMP_EXPIRED', made(created(at(-700_000)) + expires(at(-400_000)))],
    ['from the future', 'SECURITY_TIMESTAMP_FUTURE', made(created(at(301_000)) + expires(at(400_000)))],
    ['good until 2099', 'SECURITY_TIMESTAMP_LIFETIME', made(created(at(0)) + expires('2099-01-01T00:00:00Z'))],
    ['without Expires and old', 'SECURITY_TIMESTAMP_EXPIRED', made(created(at(-700_000)))],
    ['R3221: Expires before Created', 'SECURITY_TIMESTAMP_INVALID', made(created(at(0)) + expires(at(-1)))],
    ['R3203: no Created', 'SECURITY_TIMESTAMP_INVALID', made(expires(at(0)))],
    ['R3203: two Created', 'SECURITY_TIMESTAMP_INVALID', made(created(at(0)) + created(at(0)))],
    ['R3224: two Expires', 'SECURITY_TIMESTAMP_INVALID', made(created(at(0)) + expires(at(1)) + expires(at(2)))],
    ['R3222: something else inside', 'SECURITY_TIMESTAMP_INVALID', made(`${created(at(0))}<x xmlns="urn:x"/>`)],
    ['R3223: local time', 'SECURITY_TIMESTAMP_INVALID', made(created('2026-11-22T12:00:00'))],
    ['R3223: another zone', 'SECURITY_TIMESTAMP_INVALID', made(created('2026-11-22T13:00:00+01:00'))],
    ['R3213: a leap second', 'SECURITY_TIMESTAMP_INVALID', made(created('2026-11-22T11:59:60Z'))],
    [
      'R3225: a ValueType',
      'SECURITY_TIMESTAMP_INVALID',
      made(created(at(0)).replace('Created>', 'Created ValueType="x">')),
    ],
    ['a day that does not exist', 'SECURITY_TIMESTAMP_INVALID', made(created('2026-11-31T12:00:00Z'))],
    ['hour 24', 'SECURITY_TIMESTAMP_INVALID', made(created('2026-11-21T24:00:00Z'))],
    ['a comment in the time', 'SECURITY_MALFORMED', made(created('2026-11-22T12:00:00<!--x-->Z'))],
    [
      'D14 a very long fraction',
      'SECURITY_TIMESTAMP_INVALID',
      made(created(`2026-11-22T12:00:00.${'0'.repeat(50_000)}Z`)),
    ],
  ]);
});

describe('R1 to R4: replay', () => {
  test('R1 a copy is refused while the original is remembered, and as stale afterwards', async () => {
    const stage = await prepare();
    const end = service(stage);
    await end.receive(stage.valid);
    const codes: string[] = [];
    for (const wait of [0, 299_000, 300_999, 1]) {
      await end.clock.advance(wait);
      const result = await receive(end, stage.valid);
      expect(result.answer).toBe(fault);
      codes.push(...result.codes);
    }
    expect(codes).toEqual(['SECURITY_REPLAY', 'SECURITY_REPLAY', 'SECURITY_REPLAY', 'SECURITY_TIMESTAMP_EXPIRED']);
    expect(end.heard).toHaveLength(1);
  });

  test('a retransmission is secured anew and is no replay, even in the same millisecond', async () => {
    const stage = await prepare();
    const { pki } = stage;
    const end = service(stage);
    const protector = new Protector(policyOf(pki.client, pki.root).outbound, seededRandom(4));
    const clear = order();
    for (let time = 0; time < 3; time++)
      await end.receive(encodeEnvelope(await protector.protect(clear, instant(start))));
    expect(end.heard).toHaveLength(3);
  });

  test('R2 other spellings of the same signature value are the same message', async () => {
    const stage = await prepare();
    const end = service(stage);
    await end.receive(stage.valid);
    const spaced = stage.valid.replace(/<ds:SignatureValue>(.{40})/, '<ds:SignatureValue>\n $1\n\t');
    const { codes } = await receive(end, spaced);
    expect(codes).toEqual(['SECURITY_REPLAY']);
    expect(end.heard).toHaveLength(1);
  });

  test('R2 (r, n-s) is as good an ECDSA signature as (r, s), and the same message', async () => {
    const { pki } = await prepare();
    const octets = new TextDecoder().decode(await secured(policyOf(pki.service, pki.root)));
    const end = acceptor(policyOf(pki.client, pki.root));
    await end.receive(octets);
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const twisted = octets.replace(/<ds:SignatureValue>([^<]*)/, (_, text: string) => {
      const value = view(fromBase64(text) ?? new Uint8Array());
      const s = order - BigInt(`0x${value.subarray(32).toString('hex')}`);
      const other = Buffer.concat([value.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
      return `<ds:SignatureValue>${base64(other)}`;
    });
    expect(twisted).not.toBe(octets);
    const { codes } = await receive(end, twisted);
    expect(codes).toEqual(['SECURITY_REPLAY']);
    const fresh = acceptor(policyOf(pki.client, pki.root));
    await fresh.receive(twisted);
    expect(fresh.heard).toHaveLength(1);
  });

  test('R3 of parallel copies one passes', async () => {
    const stage = await prepare();
    const end = service(stage);
    await Promise.all(Array.from({ length: 16 }, () => end.receive(stage.valid)));
    expect(end.heard).toHaveLength(1);
  });

  test('R4 a full cache refuses what is new instead of forgetting what is old', async () => {
    const { pki } = await prepare();
    const replay = new MemoryReplayCache(2);
    const end = acceptor(policyOf(pki.service, pki.root), { replay });
    const messages = await Promise.all(
      [1, 2, 3].map((seed) => secured(policyOf(pki.client, pki.root), order(), start, seed)),
    );
    const codes: string[] = [];
    for (const octets of [...messages, ...messages]) codes.push(...(await receive(end, octets)).codes);
    expect(end.heard).toHaveLength(2);
    expect(codes).toEqual(['SECURITY_REPLAY_FULL', 'SECURITY_REPLAY', 'SECURITY_REPLAY', 'SECURITY_REPLAY_FULL']);
    await end.clock.advance(700_000);
    await end.receive(await secured(policyOf(pki.client, pki.root), order(), start + 700_000, 9));
    expect(end.heard).toHaveLength(3);
  });

  test('a refused message is not remembered: a forger cannot use up the original', async () => {
    const stage = await prepare();
    const end = service(stage);
    await end.receive(swap(stage.valid, 'two of them', 'two hundred'));
    await end.receive(stage.valid);
    expect(end.heard).toHaveLength(1);
  });

  test('without Expires a message is remembered as long as it is good', async () => {
    const { pki } = await prepare();
    const timestamp = writeTimestamp('time', instant(start), 1).replace(
      cut(writeTimestamp('time', instant(start), 1), 'wsu:Expires'),
      '',
    );
    const octets = await craft({ key: pki.client.key(), timestamp });
    const end = acceptor(policyOf(pki.service, pki.root));
    await end.receive(octets);
    await end.clock.advance(599_000);
    const { codes } = await receive(end, octets);
    expect(codes).toEqual(['SECURITY_REPLAY']);
    expect(end.heard).toHaveLength(1);
  });
});

describe('R4 the clock is set back', () => {
  test('what was forgotten is not taken for new', () => {
    const replay = new MemoryReplayCache();
    const at = (offset: number) => instant(start + offset);
    expect(replay.remember('one', at(600), at(0))).toBe(true);
    expect(replay.remember('two', at(1_200), at(700))).toBe(true);
    expect(replay.size).toBe(1);
    expect(replay.remember('one', at(600), at(100))).toBe(false);
    expect(replay.remember('three', at(601), at(100))).toBe(true);
  });
});
