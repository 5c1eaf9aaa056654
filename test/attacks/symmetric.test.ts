/**
 * Attacks on the symmetric binding (WSS 1.1): anybody can encrypt a secret for the service, both ends sign under one secret, and
 * only the endorsing signature, the UsernameToken and SignatureConfirmation say who asked and what was answered (R8, E13, K11).
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { instant } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { Exchange } from '../../src/security/exchange.ts';
import {
  anonymousForCertificate,
  mutualCertificate,
  userNameForCertificate,
} from '../../src/security/presets/for-certificate.ts';
import { Protector } from '../../src/security/protect.ts';
import { MemoryReplayCache } from '../../src/security/replay.ts';
import { examine } from '../../src/security/verify.ts';
import { encodeEnvelope } from '../../src/soap/envelope.ts';
import { acceptor, order, read, start } from '../security/rig.ts';
import { talk } from '../security/talk.ts';
import {
  anonymousEnds,
  type Ends,
  every,
  type People,
  people,
  refusals,
  refused,
  request,
  symmetricEnds,
} from './encrypted-support.ts';
import { cut, receive, swap } from './support.ts';

let all: People;
beforeAll(async () => {
  all = await people();
});

const clear = { encryptSignature: false } as const;

/** A reply to a request, made by hand, and how the client judges it. */
async function judged(
  ends: Ends,
  change: (exchange: Exchange) => Exchange,
  policy: Ends['service'] = ends.service,
): Promise<unknown> {
  const sent = await new Protector(ends.client.outbound, seededRandom(1)).secure(order(), instant(start));
  const around = { now: instant(start), replay: new MemoryReplayCache(), peer: undefined };
  const asked = await examine(read(encodeEnvelope(sent.message)), ends.service.inbound, around);
  const replies = new Protector(policy.reply.outbound, seededRandom(2));
  const answer = await replies.secure(order(), instant(start), change(asked.exchange));
  const received = read(encodeEnvelope(answer.message));
  return examine(received, ends.client.reply.inbound, { ...around, exchange: sent.exchange }).then(
    ({ evidence }) => evidence.signer?.name,
    (error: { readonly code?: string }) => error.code,
  );
}

describe('who asked', () => {
  test('no endorsement: a secret of anybody proves nobody', async () => {
    const stripped = await request({ ...symmetricEnds(all), client: anonymousEnds(all).client });
    await refused(symmetricEnds(all), stripped, 'SECURITY_UNSIGNED');
  });
  test('the endorsing signature taken away', async () => {
    const ends = symmetricEnds(all, clear);
    const valid = await request(ends);
    const [, endorsing = ''] = every(valid, 'ds:Signature');
    await refused(ends, swap(valid, endorsing, ''), 'SECURITY_UNSIGNED');
  });
  test('the endorsing signature of another message', async () => {
    const ends = symmetricEnds(all, clear);
    const valid = await request(ends);
    const [, own = ''] = every(valid, 'ds:Signature');
    const [, other = ''] = every(await request(ends, 2), 'ds:Signature');
    await refused(ends, swap(valid, own, other), 'SECURITY_REFERENCE', 'SECURITY_TOKEN');
  });
  test('a whole message under a secret of somebody else, with an endorsement that was seen', async () => {
    const ends = symmetricEnds(all, clear);
    const mallory = await request({
      ...ends,
      client: anonymousForCertificate({ peer: all.bob.certificate, ...clear }),
    });
    const seen = await request(ends, 2);
    const [main = '', endorsing = ''] = every(seen, 'ds:Signature');
    const id = /Id="([^"]*)"/.exec(main)?.[1] ?? '';
    const mine = cut(mallory, 'ds:Signature');
    const taken = mine.replace('<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"', `$& Id="${id}"`);
    const forged = swap(mallory, mine, cut(seen, 'wsse:BinarySecurityToken') + taken + endorsing);
    await refused(ends, forged, 'SECURITY_DIGEST');
  });
  test('endorsed by a certificate that nobody trusts', async () => {
    const client = mutualCertificate({ key: all.mallory.key(), peer: all.bob.certificate });
    await refused(
      symmetricEnds(all),
      await request({ ...symmetricEnds(all), client }),
      'SECURITY_CERTIFICATE_UNTRUSTED',
    );
  });
  test('a certificate signs the Body where the secret has to', async () => {
    const ends = symmetricEnds(all, clear);
    const main = cut(await request(ends), 'ds:Signature');
    const other = main.replace(/hmac-sha256/, 'rsa-sha256');
    await refused(ends, swap(await request(ends), main, other), 'SECURITY_ALGORITHM');
  });
  test('K2 HMAC as an endorsing signature', async () => {
    const ends = symmetricEnds(all, clear);
    const valid = await request(ends);
    const [, endorsing = ''] = every(valid, 'ds:Signature');
    await refused(ends, swap(valid, endorsing, endorsing.replace('rsa-sha256', 'hmac-sha256')), 'SECURITY_ALGORITHM');
  });
  test('a UsernameToken missing, or that of another message', async () => {
    const passwords = { password: () => 'secret' };
    const username = { user: 'alice', password: 'secret', form: 'text' } as const;
    const service = userNameForCertificate({ key: all.bob.key(), passwords, ...clear });
    const client = userNameForCertificate({ peer: all.bob.certificate, username, ...clear });
    const ends = { client, service };
    const nobody = anonymousForCertificate({ peer: all.bob.certificate, ...clear });
    const end = acceptor(service);
    expect((await receive(end, await request({ ...ends, client: nobody }))).codes).toEqual(['SECURITY_CREDENTIALS']);
    expect(end.heard).toHaveLength(0);
    const valid = await request(ends);
    const token = cut(valid, 'xenc:EncryptedData');
    const other = cut(await request(ends, 2), 'xenc:EncryptedData').replace(
      / Id="[^"]*"/,
      / Id="[^"]*"/.exec(token)?.[0] ?? '',
    );
    await refused(
      ends,
      swap(valid, cut(token, 'xenc:CipherValue'), cut(other, 'xenc:CipherValue')),
      'SECURITY_DECRYPTION',
    );
  });
});

describe('E13 derived keys', () => {
  test.each([
    ['a length without end', (token: string) => token.replace(/(Length>)\d+/, '$1999999'), 'SECURITY_LIMIT'],
    ['an offset without end', (token: string) => token.replace(/(Offset>)\d+/, '$1999999'), 'SECURITY_LIMIT'],
    ['a key too short', (token: string) => token.replace(/(Length>)\d+/, '$11'), 'SECURITY_LIMIT'],
    ['another nonce', (token: string) => token.replace(/(Nonce>)..../, '$1AAAA'), 'SECURITY_SIGNATURE'],
    [
      'a key of itself',
      (token: string) => token.replace(/URI="#[^"]*"/, `URI="#${/Id="([^"]*)"/.exec(token)?.[1]}"`),
      'SECURITY_TOKEN',
    ],
    ['a key of nothing', (token: string) => token.replace(/URI="#[^"]*"/, 'URI="#nothing"'), 'SECURITY_TOKEN'],
  ] as const)('%s', async (_, change, code) => {
    const ends = symmetricEnds(all, clear);
    const valid = await request(ends);
    const token = cut(valid, 'wsc:DerivedKeyToken');
    await refused(ends, swap(valid, token, change(token)), code, 'SECURITY_DECRYPTION');
  });
  test('without number', async () => {
    const ends = symmetricEnds(all, clear);
    const valid = await request(ends);
    const token = cut(valid, 'wsc:DerivedKeyToken');
    const many = Array.from({ length: 40 }, (_, at) => token.replace(/wsu:Id="[^"]*"/, `wsu:Id="d${at}"`)).join('');
    await refused(ends, swap(valid, token, token + many), 'SECURITY_LIMIT');
  });
});

describe('what was answered', () => {
  test('the reply as it is', async () => {
    expect(await judged(symmetricEnds(all), (exchange) => exchange)).toBe('CN=bob');
  });
  test.each([
    ['confirms nothing', () => ({ values: [] }), 'SECURITY_CONFIRMATION'],
    ['confirms one of two', ({ values }: Exchange) => ({ values: values.slice(1) }), 'SECURITY_CONFIRMATION'],
    ['confirms one twice', ({ values }: Exchange) => ({ values: [values[0], values[0]] }), 'SECURITY_CONFIRMATION'],
    [
      'confirms one more',
      ({ values }: Exchange) => ({ values: [...values, Buffer.alloc(32)] }),
      'SECURITY_CONFIRMATION',
    ],
    [
      'confirms another',
      ({ values }: Exchange) => ({ values: [values[0], Buffer.alloc(32)] }),
      'SECURITY_CONFIRMATION',
    ],
    [
      'is under the secret of another request',
      ({ secret }: Exchange) => ({ secret: secret && { ...secret, identifier: Buffer.alloc(20) } }),
      'SECURITY_TOKEN',
    ],
  ] as const)('a reply that %s', async (_, change, code) => {
    const changed = (exchange: Exchange) => ({ ...exchange, ...change(exchange) }) as Exchange;
    expect(await judged(symmetricEnds(all), changed)).toBe(code);
  });
  test('a reply without confirmation where the policy wants it', async () => {
    const silent = symmetricEnds(all, { confirmSignatures: false });
    expect(await judged(symmetricEnds(all), (exchange) => exchange, silent.service)).toBe('SECURITY_CONFIRMATION');
  });
  test('a confirmation that no signature covers', async () => {
    const ends = symmetricEnds(all, { ...clear });
    const between = talk(ends.client, ends.service, {
      reply: (octets) => {
        const [confirmation = ''] = every(octets, 'wsse11:SignatureConfirmation');
        return swap(octets, confirmation, confirmation + confirmation.replace(/wsu:Id="[^"]*"/, 'wsu:Id="more"'));
      },
    });
    expect(await refusals(() => between.ask())).toEqual(['SECURITY_UNSIGNED']);
  });
  test('the request sent back as its reply (reflection)', async () => {
    const ends = anonymousEnds(all, false);
    let sent = '';
    const between = talk(ends.client, ends.service, {
      request: (octets) => {
        sent = octets;
        return octets;
      },
      reply: (octets) => {
        // Made to look like a reply: the secret is named as replies name it.
        const identifier = cut(cut(octets, 'wsc:DerivedKeyToken'), 'wsse:SecurityTokenReference');
        const [first = '', second = ''] = every(sent, 'wsc:DerivedKeyToken');
        const renamed = (token: string) => token.replace(cut(token, 'wsse:SecurityTokenReference'), identifier);
        return swap(sent, cut(sent, 'xenc:EncryptedKey'), '')
          .replace(first, renamed(first))
          .replace(second, renamed(second));
      },
    });
    expect(await refusals(() => between.ask())).toEqual(['SECURITY_REFLECTED']);
  });
  test('a reply that brings a key of its own', async () => {
    const ends = anonymousEnds(all, false);
    const between = talk(ends.client, ends.service, { reply: () => sentBy(ends) });
    const other = await request(ends, 9);
    const sentBy = (_: Ends) => other;
    expect(await refusals(() => between.ask())).toEqual(['SECURITY_UNSUPPORTED']);
  });
  test('the reply to another request', async () => {
    const ends = symmetricEnds(all);
    const first = talk(ends.client, ends.service);
    await first.ask();
    await first.ask();
    const [, , , later = ''] = first.wire;
    const between = talk(ends.client, ends.service, { reply: () => later });
    expect(await refusals(() => between.ask())).toEqual(['SECURITY_TOKEN']);
  });
});

test('R1 a copy is refused', async () => {
  const ends = symmetricEnds(all);
  const valid = await request(ends);
  const end = acceptor(ends.service);
  await end.receive(valid);
  await end.receive(valid);
  expect(end.heard).toHaveLength(1);
});
