/**
 * Attacks on what is added to a security context (P2 to P6, P10, R1, R10, M30, E12): a token of somebody else gets into no context, nobody
 * adds to the context of another, and whatever was added makes nobody somebody else.
 */
import { describe, expect, test } from 'vitest';
import { instant, VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import { ConversationAcceptor } from '../../src/conversation/acceptor.ts';
import { amendContext } from '../../src/conversation/amendment.ts';
import { contextLimits } from '../../src/conversation/contexts.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import { Issuer } from '../../src/conversation/issuer.ts';
import { writeAmended, writeIssued } from '../../src/conversation/responses.ts';
import { settingsOf } from '../../src/conversation/settings.ts';
import { conversationVersions } from '../../src/conversation/versions/table.ts';
import type { ConversationVersion } from '../../src/conversation/versions/version.ts';
import { base64Digest } from '../../src/security/crypto.ts';
import { identityOf } from '../../src/security/evidence.ts';
import type { ContextSecret } from '../../src/security/exchange.ts';
import { insideHeader } from '../../src/security/header.ts';
import { ds } from '../../src/security/names.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { signedInfoOctets, writeSignature, writeSignedInfo } from '../../src/security/signature.ts';
import { sha256 } from '../../src/security/suites.ts';
import type { TokenReference } from '../../src/security/tokens/x509.ts';
import { writeBinaryToken, writeTokenReference } from '../../src/security/tokens/x509.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { encodeEnvelope } from '../../src/soap/envelope.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { addedTo, bootstrapNamed, erin, named, passwords } from '../conversation/additions.ts';
import { faultIn, Line } from '../conversation/line.ts';
import { ask, type Options } from '../conversation/rig.ts';
import { type Issued, issue } from '../security/pki.ts';
import { idle, read, secured, start } from '../security/rig.ts';
import { isGuessed } from './guessing.ts';
import { cut, swap } from './support.ts';

const overTls = bootstrapNamed('user name over TLS');
const inMessages = bootstrapNamed('user name for certificate');
const byUser = usernameOverTransport({ passwords });
const mallory = await issue({ name: 'mallory', kind: 'rsa' });
/** A service that would add either of them. */
const byEither = certificateOverTransport({ trust: trustPeers([(await erin()).certificate, mallory.certificate]) });
const byErin = certificateOverTransport({ key: (await erin()).key() });

const amend = '/RST/SCT/Amend<';
const last = (line: Line) => line.wire.at(-1);

/** A client with a context, and its amendment as it goes over the wire. */
async function amending(
  way: typeof overTls,
  amendment: SecurityPolicy,
  added: SecurityPolicy,
  change?: (octets: string) => string | Promise<string>,
  options: Options = {},
) {
  const line = await Line.of(way, { amendment, ...options });
  const alice = await line.client('alice');
  await ask(alice, 'one');
  let request = '';
  line.change = (octets, direction) => {
    if (direction === 'request' && octets.includes(amend)) request = octets;
    return direction === 'request' && change !== undefined ? '' : octets;
  };
  if (change === undefined) await amendContext(alice, added);
  else await amendContext(alice, added).catch(() => undefined);
  line.change = (octets) => octets;
  const answer = change === undefined ? last(line) : await line.send(await change(request));
  return { line, alice, request, answer };
}

/** A signature over the first signature of a message, and the certificate of whoever made it. */
async function endorsed(octets: string, by: Issued, reference: TokenReference = 'direct'): Promise<string> {
  const security = read(octets).headers.find(({ local }) => local === 'Security')?.fragment.element;
  const main = security?.children.find((one) => one.is(ds, 'Signature'));
  if (main === undefined) throw new Error('There is no signature.');
  const digest = base64Digest(sha256, XmlFragment.of(main).bytes);
  const key = by.key();
  const content = writeSignedInfo([{ id: main.attribute('Id') ?? '', prefixes: [], digest }], key.algorithm, sha256);
  const value = await key.sign(key.algorithm, signedInfoOctets(content));
  const named = insideHeader(writeTokenReference(reference, key.certificate, 'mine'));
  const token = reference === 'direct' ? insideHeader(writeBinaryToken('mine', key.certificate)) : '';
  return token + writeSignature(content, value, named, undefined);
}

describe.each([overTls, inMessages])('asked for by $name', (way) => {
  test('the amendments that are attacked are taken as they are', async () => {
    for (const [amendment, added, who] of [
      [byUser, named('carol'), 'username carol'],
      [byEither, byErin, 'x509 CN=erin'],
    ] as const) {
      const { line, alice } = await amending(way, amendment, added);
      await ask(alice, 'two');
      expect(line.heard.map(addedTo)).toEqual([[], [who]]);
    }
  });

  test('R1, R10 an amendment once more, a stale one, and one of a context that is over', async () => {
    const { line, alice, request } = await amending(way, byUser, named('carol'));
    expect(faultIn(await line.send(request))).toBe('InvalidSecurity');
    await ask(alice, 'two');
    expect(line.heard.map(addedTo)).toEqual([[], ['username carol']]);
    await alice.close();
    expect(faultIn(await line.send(request))).toBe('BadContextToken');
    const later = await amending(way, byUser, named('carol'));
    await later.line.clock.advance(700_000);
    expect(faultIn(await later.line.send(later.request))).toBe('InvalidSecurity');
  });

  test('what was added is in no other context, neither of another client nor of the same', async () => {
    const { line, alice } = await amending(way, byUser, named('carol'));
    await ask(await line.client('mallory'), 'mine');
    await ask(await line.client('alice'), 'hers');
    await alice.close();
    expect(line.heard.map(addedTo)).toEqual([[], [], []]);
    expect(new Set(line.heard.map(identityOf)).size).toBe(3);
  });

  test('M30 an amendment under the context of somebody else', async () => {
    const line = await Line.of(way, { amendment: byUser });
    const [alice, other] = [await line.client('alice'), await line.client('mallory')];
    await ask(alice, 'one');
    await ask(other, 'mine');
    const sent = line.wire.filter((octets) => octets.includes('urn:box:say') && octets.includes('ContextToken'));
    const tokens = sent.map((octets) => /<wsc:Identifier>([^<]+)/.exec(octets)?.[1] ?? '');
    const [hers = '', , his = ''] = tokens.length > 2 ? tokens : [tokens[0], '', tokens[1]];
    expect(hers).not.toBe(his);
    line.change = (octets, direction) =>
      direction === 'request' && octets.includes(amend) ? octets.replaceAll(his, hers) : octets;
    await expect(amendContext(other, named('carol'))).rejects.toThrow(
      expect.objectContaining({ code: 'SECURITY_UNSECURED_FAULT' }),
    );
    expect(faultIn(last(line))).toBe('InvalidSecurity');
    line.change = (octets) => octets;
    await ask(alice, 'two');
    await ask(other, 'mine too');
    expect(line.heard.map(addedTo)).toEqual([[], [], [], []]);
  });

  test('under another action, and a message of the application under this one', async () => {
    const { line, alice, answer } = await amending(way, byUser, named('carol'), (octets) =>
      octets.replace(amend, '/RST/SCT/Cancel<'),
    );
    expect(faultIn(answer)).toBe('InvalidSecurity');
    line.change = (octets, direction) =>
      direction === 'request' ? octets.replace(/>urn:box:say</, `>${conversationVersions[0]?.actions.amend}<`) : octets;
    await expect(ask(alice, 'two')).rejects.toThrow(expect.objectContaining({ code: 'SECURITY_UNSECURED_FAULT' }));
    line.change = (octets) => octets;
    expect(await ask(alice, 'three')).toBe('re: three');
    expect(line.heard.map(addedTo)).toEqual([[], []]);
  });

  test('P3 a UsernameToken that somebody has put into the message, beside the one that is signed and in its place', async () => {
    const stranger = usernameOverTransport({ username: { user: 'dave', password: 'fourth', form: 'text' } });
    const token = cut(new TextDecoder().decode(await secured(stranger)), 'wsse:UsernameToken');
    const hidden = /<xenc:EncryptedData (?:(?!<\/xenc:EncryptedData>).)*<\/xenc:EncryptedData>(?=.*<\/wsse:Security>)/s;
    for (const change of [
      (octets: string) => swap(octets, '</wsse:Security>', `${token}</wsse:Security>`),
      (octets: string) => octets.replace(hidden, token),
      (octets: string) => octets.replace(hidden, ''),
    ]) {
      const { line, alice, answer } = await amending(way, byUser, named('carol'), change);
      expect(['InvalidSecurity', 'FailedAuthentication']).toContain(faultIn(answer));
      await ask(alice, 'two');
      expect(line.heard.map(addedTo)).toEqual([[], []]);
    }
  });

  test.each([{}, { order: 'encrypt-sign' }, { encryptSignature: false }] as const)(
    'E15 the password is not guessed from what a transcript keeps of the request: %o',
    async (options) => {
      const { line, request } = await amending(way, byUser, named('carol'), undefined, options);
      expect(request).toContain('EncryptedData');
      const carol = { user: 'carol', password: passwords.password('carol') ?? '', form: 'text' } as const;
      expect(line.wire.some((octets) => isGuessed(octets, carol))).toBe(false);
    },
  );

  test('P10 amendments without end: so many stand in a context, and no more', async () => {
    const users = Array.from({ length: contextLimits.amendments + 2 }, (_, n) => `user${n}`);
    const amendment = usernameOverTransport({
      passwords: { password: (user) => (users.includes(user) ? 'x' : undefined) },
    });
    const { line, alice } = await amending(way, amendment, named('user0', 'text', 'x'));
    const codes: (string | undefined)[] = [];
    for (const user of users) {
      await amendContext(alice, named(user, 'text', 'x')).catch((thrown: { code?: string }) => codes.push(thrown.code));
    }
    expect(codes).toEqual(['CONVERSATION_REFUSED', 'CONVERSATION_REFUSED']);
    expect(faultIn(last(line))).toBe(way.secure ? 'RequestFailed' : undefined);
    await ask(alice, 'two');
    expect(addedTo(line.heard.at(-1))).toHaveLength(contextLimits.amendments);
  });
});

describe('over TLS, where its end can change what is not signed', () => {
  test.each(['direct', 'thumbprint'] as const)(
    'P3, E12 the signature of somebody else over that of the context, named by %s: beside the one that endorses, and in its place',
    async (reference) => {
      const both = async (octets: string) =>
        swap(octets, '</wsse:Security>', `${await endorsed(octets, mallory, reference)}</wsse:Security>`);
      const instead = async (octets: string) => {
        const [, second = ''] = [...octets.matchAll(/<ds:Signature .*?<\/ds:Signature>/gs)].map(([one]) => one);
        return swap(octets, second, await endorsed(octets, mallory, reference));
      };
      for (const change of [both, instead]) {
        const { line, alice, answer } = await amending(overTls, byEither, byErin, change);
        expect(faultIn(answer)).toBe('InvalidSecurity');
        await ask(alice, 'two');
        expect(line.heard.map(addedTo)).toEqual([[], []]);
      }
    },
  );

  test('E12 what a certificate has signed elsewhere adds it to no context', async () => {
    // She has sent a message of her own to this service, and whoever saw it where TLS ended has a context, too.
    const hers = new TextDecoder().decode(await secured(byErin));
    const taken = cut(hers, 'wsse:BinarySecurityToken') + cut(hers, 'ds:Signature');
    const own = certificateOverTransport({ key: mallory.key() });
    const parts = [taken, cut(hers, 'wsu:Timestamp') + taken];
    for (const part of parts) {
      const { line, alice, answer } = await amending(overTls, byEither, own, (octets) =>
        swap(octets, '</wsse:Security>', `${part}</wsse:Security>`),
      );
      expect(faultIn(answer)).toBe('InvalidSecurity');
      await ask(alice, 'two');
      expect(line.heard.map(addedTo)).toEqual([[], []]);
    }
  });

  test('the signature that endorses taken out', async () => {
    const { answer } = await amending(overTls, byEither, byErin, (octets) => {
      const [, second = ''] = [...octets.matchAll(/<ds:Signature .*?<\/ds:Signature>/gs)].map(([one]) => one);
      return swap(octets, second, '');
    });
    expect(faultIn(answer)).toBe('InvalidSecurity');
  });
});

describe('an issuer that lies', () => {
  /** The code that the amendment ends with, and what is said after it. */
  async function told(version: ConversationVersion, answer: (of: ContextSecret) => XmlFragment) {
    const clock = new VirtualClock(start);
    const around = { version, clock, random: seededRandom(5) };
    const settings = settingsOf({ bootstrap: await overTls.service(), amendment: byUser, ...around });
    class Lying extends Issuer {
      override amend(_: unknown, __: unknown, of: ContextSecret): XmlFragment {
        return answer(of);
      }
    }
    const acceptor = new ConversationAcceptor(settings, new Lying(settings), async () => undefined);
    const wire: string[] = [];
    const through = (octets: Uint8Array) => {
      wire.push(new TextDecoder().decode(octets));
      return delivery(read(octets)).with(peer, { secure: true });
    };
    const bottom = () =>
      idle('initiator', async (trip) => {
        const told = await acceptor.receive(through(encodeEnvelope(trip.message)));
        return told && through(encodeEnvelope(told.message));
      });
    const channel = secureConversation({ bootstrap: await overTls.client(), ...around }).wrap(bottom)(
      async () => undefined,
    );
    const code = () =>
      amendContext(channel, named('carol')).then(
        () => undefined,
        (thrown: { code?: string }) => thrown.code,
      );
    return { first: await code(), second: await code(), asked: wire.filter((octets) => octets.includes('/RST/SCT<')) };
  }

  test.each(conversationVersions)(
    '$name: of another context, of another key, and with a key of its own',
    async (version) => {
      const id = 'uuid-1';
      const times = { created: instant(start), expires: instant(start + 1) };
      const whole = { id, entropy: new Uint8Array(32), keySize: 256, ...times };
      const lies: readonly (readonly [string, (of: ContextSecret) => XmlFragment])[] = [
        [
          'CONVERSATION_REFUSED',
          () => writeAmended(version, { identifier: 'urn:uuid:other', instance: undefined }, id),
        ],
        ['CONVERSATION_REFUSED', ({ identifier }) => writeAmended(version, { identifier, instance: 'urn:uuid:2' }, id)],
        ['CONVERSATION_UNSUPPORTED', (of) => writeIssued(version, { ...of, ...whole }, 'secret-1')],
      ];
      for (const [code, lie] of lies) {
        const { first, second, asked } = await told(version, lie);
        // The context is what it was, and is asked about again.
        expect([first, second]).toEqual([code, code]);
        expect(asked).toHaveLength(1);
      }
      const { first } = await told(version, (of) => writeAmended(version, of, id));
      expect(first).toBeUndefined();
    },
  );
});
