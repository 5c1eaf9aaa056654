/** A security context to which further credentials are added (WS-SecureConversation 1.3, section 4), through both ends. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { amendContext } from '../../src/conversation/amendment.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import { conversationVersions } from '../../src/conversation/versions/table.ts';
import { evidence, identityOf } from '../../src/security/evidence.ts';
import { usernameOverTransport, x509Signed } from '../../src/security/policy.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import { certificateOverTransport } from '../../src/security/presets/over-transport.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { issue } from '../security/pki.ts';
import { pki, start } from '../security/rig.ts';
import {
  addedTo,
  additions,
  bootstrapNamed,
  byCertificate,
  byHolder,
  byPassword,
  erin,
  named,
  passwords,
} from './additions.ts';
import { DuplexTalk, shapes } from './duplex-rig.ts';
import { Line } from './line.ts';
import { ask, bootstraps, type Options, Talk } from './rig.ts';

const overTls = bootstrapNamed('certificate over TLS');
const mutual = bootstrapNamed('mutual certificates');
const refused = (code: string) => expect.objectContaining({ code });

/** Last parts of the actions of requests about contexts. */
const requests = (actions: readonly string[]) =>
  actions.flatMap((action) => /\/RST\/(SCT.*)/.exec(action)?.slice(1) ?? []);

async function talking(service: Options = {}, client: Options = {}): Promise<readonly [Talk, Channel]> {
  const talk = new Talk(overTls);
  await talk.listen(undefined, { amendment: usernameOverTransport({ passwords }), ...service });
  return [talk, await talk.connect(undefined, client)];
}

interface Told {
  readonly event: string;
  readonly identifier?: string;
  readonly code?: string;
  readonly message?: string;
}

async function told<T>(room: string, work: () => Promise<T>): Promise<readonly Told[]> {
  const events: Told[] = [];
  const listen = (event: unknown) => {
    events.push(event as Told);
  };
  subscribe(`surewire:${room}`, listen);
  try {
    await work();
  } finally {
    unsubscribe(`surewire:${room}`, listen);
  }
  return events;
}

describe.each(conversationVersions)('$name', (version) => {
  describe.each(bootstraps)('a context that was asked for by $name', (bootstrap) => {
    test.each(additions)('stands for $name as well', async ({ client, service, who }) => {
      const talk = new Talk(bootstrap, { version });
      const listener = await talk.listen(undefined, { amendment: await service() });
      const channel = await talk.connect();
      expect(await ask(channel, 'one')).toBe('re: one');
      await amendContext(channel, await client());
      expect(await ask(channel, 'two')).toBe('re: two');
      await channel.close();
      await listener.close();
      const { issue: issued, issueResponse, amend, amendResponse, cancel, cancelResponse } = version.actions;
      const call = ['urn:box:say', 'urn:box:say'];
      const course = [issued, issueResponse, ...call, amend, amendResponse, ...call, cancel, cancelResponse];
      expect(talk.actions).toEqual(course);
      const [before, after] = talk.heard;
      expect(addedTo(before)).toEqual([]);
      expect(addedTo(after)).toEqual([who]);
      // Who speaks is who spoke.
      const [first, second] = [before?.get(evidence), after?.get(evidence)];
      expect(after && identityOf(after)).toBe(before && identityOf(before));
      expect([second?.signers, second?.user, second?.claims]).toEqual([first?.signers, first?.user, first?.claims]);
    });
  });

  test.each([
    { order: 'encrypt-sign' },
    { derivedKeys: false },
    { impliedKeys: true },
    { confirmSignatures: true },
    { encryptSignature: false },
    { speaksFor: 'identity' },
  ] as const)('however the context protects messages: %o', async (options) => {
    for (const { client, service, who } of [byPassword, byCertificate, byHolder]) {
      const talk = new Talk(mutual, { version, ...options });
      await talk.listen(undefined, { amendment: await service() });
      const channel = await talk.connect();
      await amendContext(channel, await client());
      expect(await ask(channel, 'one')).toBe('re: one');
      expect(addedTo(talk.heard[0])).toEqual([who]);
    }
  });
});

describe('what was added', () => {
  test('is in every key of the context, also after a renewal; the context that is asked for next knows nothing of it', async () => {
    const [talk, channel] = await talking();
    await amendContext(channel, named('carol'));
    await ask(channel, 'one');
    await talk.clock.advance(6 * 3_600_000);
    // The first goes out under the old key.
    await ask(channel, 'two');
    await ask(channel, 'three');
    await channel.close();
    const again = await talk.connect();
    await ask(again, 'four');
    expect(requests(talk.actions)).toEqual(['SCT', 'SCT/Amend', 'SCT/Renew', 'SCT/Cancel', 'SCT']);
    expect(talk.heard.map(addedTo)).toEqual([['username carol'], ['username carol'], ['username carol'], []]);
  });

  test('stands beside what was added before; the same once more is there once', async () => {
    const [talk, channel] = await talking({ limits: { amendments: 2 } });
    for (const user of ['carol', 'dave', 'carol', 'carol', 'dave']) await amendContext(channel, named(user));
    await ask(channel, 'one');
    expect(addedTo(talk.heard[0])).toEqual(['username carol', 'username dave']);
  });

  test('is named until its token ends, which makes room for another; the context goes on', async () => {
    const { client, service } = byHolder;
    const [talk, channel] = await talking({ amendment: await service(), limits: { amendments: 1 } });
    await amendContext(channel, await client());
    await ask(channel, 'one');
    // Ten minutes, and five of skew.
    await talk.clock.advance(899_000);
    await ask(channel, 'two');
    await talk.clock.advance(1_000);
    await ask(channel, 'three');
    expect(talk.heard.map(addedTo)).toEqual([['saml alice@example.org'], ['saml alice@example.org'], []]);
    const [first, , third] = talk.heard.map((trip) => identityOf(trip));
    expect(first).toBe(third);
  });

  test('is named until the certificate that endorsed it ends', async () => {
    const notAfter = new Date(start + 60_000);
    const brief = await issue({ name: 'brief', kind: 'rsa', notAfter });
    const trust = trustPeers([brief.certificate, (await erin()).certificate]);
    const [talk, channel] = await talking({
      amendment: certificateOverTransport({ trust }),
      limits: { amendments: 1 },
    });
    await amendContext(channel, certificateOverTransport({ key: brief.key() }));
    await ask(channel, 'one');
    await expect(amendContext(channel, await byCertificate.client())).rejects.toThrow(refused('CONVERSATION_REFUSED'));
    await talk.clock.advance(60_000);
    await ask(channel, 'two');
    await amendContext(channel, await byCertificate.client());
    await ask(channel, 'three');
    expect(talk.heard.map(addedTo)).toEqual([['x509 CN=brief'], [], ['x509 CN=erin']]);
  });

  test('is told on the diagnostics channel of both ends', async () => {
    const [, channel] = await talking();
    const events = await told('conversation', () => amendContext(channel, named('carol')));
    const [own, other] = events.filter(({ event }) => event === 'context.amended');
    expect(own).toMatchObject({ added: 'username:carol', identity: expect.stringMatching(/^x509:/) });
    expect(other).toEqual({ event: 'context.amended', identifier: own?.identifier });
    expect(JSON.stringify(events)).not.toContain(passwords.password('carol'));
  });
});

describe('one request at a time', () => {
  test('asks for the context where there is none, after a renewal that is due', async () => {
    const [talk, channel] = await talking();
    await amendContext(channel, named('carol'));
    await talk.clock.advance(7 * 3_600_000);
    await amendContext(channel, named('dave'));
    await ask(channel, 'one');
    expect(requests(talk.actions)).toEqual(['SCT', 'SCT/Amend', 'SCT/Renew', 'SCT/Amend']);
    expect(addedTo(talk.heard[0])).toEqual(['username carol', 'username dave']);
  });

  test('two amendments, a message and the end, all asked for at once, come in their order', async () => {
    const [talk, channel] = await talking();
    await ask(channel, 'one');
    const all = [amendContext(channel, named('carol')), amendContext(channel, named('dave')), ask(channel, 'two')];
    const closed = Promise.all(all.slice(0, 2)).then(() => channel.close());
    await Promise.all([...all, closed]);
    expect(requests(talk.actions)).toEqual(['SCT', 'SCT/Amend', 'SCT/Amend', 'SCT/Cancel']);
    const answers = talk.actions.filter((action) => /\/SCT\/(Amend|Cancel)$/.test(action));
    expect(answers.map((action) => action.split('/').at(-3))).toEqual(['RST', 'RSTR', 'RST', 'RSTR', 'RST', 'RSTR']);
  });

  test('close waits for one that is under way', async () => {
    const [talk, channel] = await talking();
    await ask(channel, 'one');
    await Promise.all([amendContext(channel, named('carol')), channel.close()]);
    expect(requests(talk.actions)).toEqual(['SCT', 'SCT/Amend', 'SCT/Cancel']);
    await expect(amendContext(channel, named('dave'))).rejects.toThrow(refused('CONVERSATION_ENDED'));
  });

  test('a renewal that falls due meanwhile waits; messages go on', async () => {
    const [talk, channel] = await talking();
    await ask(channel, 'one');
    await talk.clock.advance(21_599_000);
    talk.network.script(({ message }) => (message?.action.includes('/Amend') ? { delay: 5_000 } : undefined));
    const amended = amendContext(channel, named('carol'));
    await talk.clock.advance(1_000);
    expect(await ask(channel, 'two')).toBe('re: two');
    expect(requests(talk.actions)).toEqual(['SCT', 'SCT/Amend']);
    await talk.until(amended);
    await ask(channel, 'three');
    expect(requests(talk.actions)).toEqual(['SCT', 'SCT/Amend', 'SCT/Renew']);
  });

  test('an acceptor whose key is over asks for another first, and then it is amended', async () => {
    const byUser = bootstrapNamed('user name over TLS');
    const line = await Line.of(byUser, { contextLifetime: 200_000, amendment: usernameOverTransport({ passwords }) });
    // A clock that is slow enough to think that the key is good, and not so slow that nothing of it is believed.
    const alice = await line.client(undefined, { clock: new VirtualClock(start) });
    await ask(alice, 'one');
    await line.clock.advance(210_000);
    await amendContext(alice, named('carol'));
    await ask(alice, 'two');
    expect(line.heard.map(addedTo)).toEqual([[], ['username carol']]);
    expect(line.wire.filter((octets) => octets.includes('/RST/SCT/Renew<'))).toHaveLength(1);
  });
});

describe('a refusal leaves the context as it was', () => {
  test('of a wrong password, of another kind of token, and of an amendment too many', async () => {
    const [talk, channel] = await talking({ limits: { amendments: 1 } });
    const code = async (added: SecurityPolicy) =>
      amendContext(channel, added).then(
        () => undefined,
        (error: { code?: string }) => error.code,
      );
    await amendContext(channel, named('carol'));
    expect(await code(named('carol', 'text', 'guessed'))).toBe('SECURITY_UNSECURED_FAULT');
    expect(await code(named('carol', 'digest', 'guessed'))).toBe('SECURITY_UNSECURED_FAULT');
    expect(await code(await byCertificate.client())).toBe('SECURITY_UNSECURED_FAULT');
    expect(await code(await byHolder.client())).toBe('SECURITY_UNSECURED_FAULT');
    expect(await code(named('dave'))).toBe('CONVERSATION_REFUSED');
    expect(await ask(channel, 'one')).toBe('re: one');
    expect(addedTo(talk.heard[0])).toEqual(['username carol']);
    expect(requests(talk.actions).filter((one) => one === 'SCT')).toHaveLength(1);
  });

  test('of a service that amends none, whatever is added', async () => {
    const talk = new Talk(overTls);
    await talk.listen();
    const channel = await talk.connect();
    await expect(amendContext(channel, named('carol'))).rejects.toThrow(refused('SECURITY_UNSECURED_FAULT'));
    expect(await ask(channel, 'one')).toBe('re: one');
    expect(addedTo(talk.heard[0])).toEqual([]);
  });

  test('one that nobody answers, or whose caller gave up waiting', async () => {
    const [talk, channel] = await talking({}, { requestTimeout: 10_000 });
    await ask(channel, 'one');
    talk.network.script(({ message }) => (message?.action.includes('/Amend') ? 'lose' : undefined));
    const unanswered = amendContext(channel, named('carol'));
    await expect(talk.until(unanswered)).rejects.toThrow(refused('CONVERSATION_UNANSWERED'));
    expect(await ask(channel, 'two')).toBe('re: two');
    const end = new AbortController();
    const given = amendContext(channel, named('carol'), { signal: end.signal });
    end.abort(new Error('enough'));
    await expect(given).rejects.toThrow('enough');
    expect(await ask(channel, 'three')).toBe('re: three');
  });
});

describe('refused before anything is sent', () => {
  test('sealed contexts, whose tokens say whom they speak for', async () => {
    const bootstrap = await overTls.service();
    const amendment = usernameOverTransport({ passwords });
    const options = { bootstrap, amendment, sealing: [new Uint8Array(32)] };
    expect(() => secureConversation(options)).toThrow(refused('CONVERSATION_SETTING'));
    expect(() => secureConversation({ bootstrap, amendment, limits: { amendments: 0 } })).toThrow(
      refused('CONVERSATION_SETTING'),
    );
  });

  test('policies without a supporting token of this end, and those whose own signature says who it is', async () => {
    const { client, service } = await pki();
    const trust = trustPeers(client.certificate);
    const signed = x509Signed({ key: service.key(), trust, passwords });
    const both = mutualCertificateWss10({ key: client.key(), trust, passwords });
    const bootstrap = await overTls.service();
    for (const amendment of [named('carol'), signed, both]) {
      expect(() => secureConversation({ bootstrap, amendment }), amendment.name).toThrow(refused('SECURITY_POLICY'));
    }
    const [, channel] = await talking();
    const theirs = usernameOverTransport({ passwords });
    await expect(amendContext(channel, theirs)).rejects.toThrow(refused('SECURITY_POLICY'));
  });
});

test('a sequence that is bound to the context goes on, and is whose it was', async () => {
  for (const speaksFor of ['context', 'identity'] as const) {
    const talk = new Talk(overTls, { speaksFor }, {});
    await talk.listen(undefined, { amendment: usernameOverTransport({ passwords }) });
    const channel = await talk.connect();
    expect(await talk.until(ask(channel, 'one'))).toBe('re: one');
    await talk.until(amendContext(channel, named('carol')));
    expect(await talk.until(ask(channel, 'two'))).toBe('re: two');
    await talk.until(channel.close());
    expect(talk.actions.filter((action) => action.endsWith('/CreateSequence'))).toHaveLength(1);
    expect(talk.heard.map(addedTo)).toEqual([[], ['username carol']]);
    expect(new Set(talk.heard.map(identityOf)).size).toBe(1);
  }
});

describe.each(shapes)('$name', (shape) => {
  test.each(conversationVersions)('$name: amended while both ends speak', async (version) => {
    const talk = new DuplexTalk(shape, mutual, { version }, {});
    await talk.listen(undefined, { amendment: usernameOverTransport({ passwords }) });
    const channel = await talk.connect();
    expect(await talk.ask(channel, 'one')).toBe('re: one, heard');
    await talk.until(amendContext(channel, named('carol')));
    expect(await talk.ask(channel, 'two')).toBe('re: two, heard');
    const guessed = amendContext(channel, named('carol', 'text', 'guessed'));
    await expect(talk.until(guessed)).rejects.toThrow(refused('SECURITY_UNSECURED_FAULT'));
    expect(await talk.ask(channel, 'three')).toBe('re: three, heard');
    await talk.until(channel.close());
    expect(talk.deliveries.map(addedTo)).toEqual([[], ['username carol'], ['username carol']]);
    expect(new Set(talk.identities).size).toBe(1);
  });

  test('amended before anything was said', async () => {
    const talk = new DuplexTalk(shape, mutual);
    await talk.listen(undefined, { amendment: usernameOverTransport({ passwords }) });
    const channel = await talk.connect();
    await talk.until(amendContext(channel, named('carol')));
    await talk.ask(channel, 'one');
    expect(talk.deliveries.map(addedTo)).toEqual([['username carol']]);
  });
});
