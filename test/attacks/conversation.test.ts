/**
 * Attacks on security contexts (P7, P8, P10, R9 to R11, M30, E12) and bad input: a clear error at home, the fault of the specification for
 * the peer, and nothing half open left behind.
 */
import { describe, expect, test } from 'vitest';
import { SurewireError } from '../../src/base/errors.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { ConversationError } from '../../src/conversation/errors.ts';
import { settingsOf } from '../../src/conversation/settings.ts';
import { conversationVersions } from '../../src/conversation/versions/table.ts';
import { x509Signed } from '../../src/security/policy.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { faultIn, Line } from '../conversation/line.ts';
import { ask, type Bootstrap, bootstraps } from '../conversation/rig.ts';
import { pki } from '../security/rig.ts';

function bootstrap(name: string): Bootstrap {
  const found = bootstraps.find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no bootstrap "${name}".`);
  return found;
}

const overTls = bootstrap('user name over TLS');
const certificates = bootstrap('mutual certificates');
const inMessage = bootstrap('user name for certificate');

/** The code that `work` rejects with. */
async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (thrown) {
    if (thrown instanceof SurewireError) return thrown.code;
    throw thrown;
  }
}

const last = (of: readonly string[]) => of.at(-1) ?? '';

describe.each(conversationVersions)('bad input, $name', (version) => {
  test.each([overTls, inMessage])('a wrong password, $name: refused, and nothing is left', async (way) => {
    const line = await Line.of(way, { version, limits: { pending: 1 } });
    const mallory = await line.client('nobody');
    for (let n = 0; n < 3; n++) {
      const refusal = await ask(mallory, 'one').catch((thrown: unknown) => thrown);
      expect(refusal).toMatchObject({ code: 'SECURITY_UNSECURED_FAULT', refusal: true });
      expect(faultIn(last(line.wire))).toBe('FailedAuthentication');
    }
    await mallory.close();
    // There is room for one context, and it is there still.
    expect(await ask(await line.client('alice'), 'two')).toBe('re: two');
    expect(line.texts).toEqual(['two']);
  });

  test('a context that never was, or was cancelled: BadContextToken, and the next message asks for another', async () => {
    const line = await Line.of(overTls, { version });
    const alice = await line.client();
    await ask(alice, 'one');
    line.change = (octets, way) =>
      way === 'request' ? octets.replace(/(<wsc:Identifier>urn:uuid:)[^<]{8}/, '$100000000') : octets;
    expect(await codeOf(ask(alice, 'lost'))).toBe('SECURITY_UNSECURED_FAULT');
    expect(faultIn(last(line.wire))).toBe('BadContextToken');
    expect(last(line.wire)).toContain(version.namespace);
    line.change = (octets) => octets;
    expect(await ask(alice, 'two')).toBe('re: two');
    expect(line.texts).toEqual(['one', 'two']);
    // What was said under a context that was cancelled, said again (R10).
    const said = line.wire.at(-2) ?? '';
    await alice.close();
    expect(faultIn(await line.send(said))).toBe('BadContextToken');
    expect(line.texts).toEqual(['one', 'two']);
  });

  test('entropy of the wrong size, either way', async () => {
    const line = await Line.of(overTls, { version });
    const alice = await line.client();
    const shorter = (octets: string) => octets.replace(/(BinarySecret [^>]*>)[^<]+/, '$1AAECAwQFBgc=');
    line.change = (octets, way) => (way === 'request' ? shorter(octets) : octets);
    expect(await codeOf(ask(alice, 'one'))).toBe('CONVERSATION_REFUSED');
    expect(faultIn(last(line.wire))).toBe('InvalidRequest');
    line.change = (octets, way) => (way === 'reply' ? shorter(octets) : octets);
    expect(await codeOf(ask(alice, 'one'))).toBe('CONVERSATION_KEY_SIZE');
    line.change = (octets) => octets;
    expect(await ask(alice, 'two')).toBe('re: two');
    expect(line.texts).toEqual(['two']);
  });

  test.each([
    ['Length', '65'],
    ['Length', '8'],
    ['Offset', '65'],
    ['Length', '999999999'],
  ])('a derived key with %s %s is refused before it is computed', async (local, value) => {
    const line = await Line.of(certificates, { version });
    const alice = await line.client();
    await ask(alice, 'one');
    line.change = (octets, way) =>
      way === 'request' ? octets.replace(new RegExp(`(<wsc:${local}>)\\d+`), `$1${value}`) : octets;
    expect(await codeOf(ask(alice, 'two'))).toBe('SECURITY_UNSECURED_FAULT');
    expect(faultIn(last(line.wire))).toBe('InvalidSecurity');
    expect(line.texts).toEqual(['one']);
  });

  test('a request that its action does not announce, and one that is none', async () => {
    const line = await Line.of(overTls, { version });
    const alice = await line.client();
    line.change = (octets, way) =>
      way === 'request' ? octets.replace(version.requestTypes.issue, version.requestTypes.cancel) : octets;
    expect(await codeOf(ask(alice, 'one'))).toBe('CONVERSATION_REFUSED');
    line.change = (octets, way) =>
      way === 'request'
        ? octets.replaceAll('RequestSecurityToken>', 'Anything>').replace('RequestSecurityToken ', 'Anything ')
        : octets;
    expect(await codeOf(ask(alice, 'one'))).toBe('CONVERSATION_REFUSED');
    expect(faultIn(last(line.wire))).toBe('InvalidRequest');
    expect(line.heard).toEqual([]);
  });
});

describe('attacks', () => {
  test('R11 a replayed request for a context is refused at message level, and gives nothing over TLS', async () => {
    const line = await Line.of(certificates);
    await ask(await line.client(), 'one');
    const [request = ''] = line.wire;
    expect(faultIn(await line.send(request))).toBe('InvalidSecurity');
    const open = await Line.of(overTls);
    await ask(await open.client(), 'one');
    const [asked = '', told = ''] = open.wire;
    const again = (await open.send(asked)) ?? '';
    const secretIn = (octets: string) => /BinarySecret [^>]*>([^<]+)/.exec(octets)?.[1];
    expect(secretIn(again)).not.toBe(secretIn(told));
    expect(/Identifier>([^<]+)/.exec(again)?.[1]).not.toBe(/Identifier>([^<]+)/.exec(told)?.[1]);
  });

  test('R1 a replayed message under a context is refused', async () => {
    const line = await Line.of(certificates);
    const alice = await line.client();
    await ask(alice, 'one');
    await ask(alice, 'two');
    expect(faultIn(await line.send(line.wire.at(-2) ?? ''))).toBe('InvalidSecurity');
    expect(line.texts).toEqual(['one', 'two']);
  });

  /** Two contexts that nobody knows, because their answers are lost. */
  async function unused(line: Line, users: readonly string[]): Promise<void> {
    line.change = (octets, way) => (way === 'reply' ? octets.replace(/(RelatesTo[^>]*>)[^<]+/, '$1urn:other') : octets);
    for (const user of users) await ask(await line.client(user), 'x').catch(() => undefined);
    line.change = (octets) => octets;
  }

  test('P10 requests for contexts fill the places of those that nobody uses, and only for minutes', async () => {
    const line = await Line.of(overTls, { limits: { pending: 2 } });
    await unused(line, ['mallory', 'alice']);
    const alice = await line.client();
    expect(await codeOf(ask(alice, 'one'))).toBe('CONVERSATION_TOO_BUSY');
    expect(faultIn(last(line.wire))).toBe('ServerTooBusy');
    await line.clock.advance(180_000);
    expect(await ask(alice, 'two')).toBe('re: two');
  });

  test('P10 a request that is repeated octet for octet over TLS, with its password, keeps nobody else out', async () => {
    const line = await Line.of(overTls, { limits: { pending: 4 } });
    const mallory = await line.client('mallory');
    expect(await ask(mallory, 'mine')).toBe('re: mine');
    const request = line.wire.find((octets) => octets.includes('RequestSecurityToken')) ?? '';
    for (let copy = 0; copy < 20; copy++) await line.send(request);
    expect(faultIn(await line.send(request))).toBe('ServerTooBusy');
    const alice = await line.client('alice');
    expect(await ask(alice, 'one')).toBe('re: one');
    for (let copy = 0; copy < 20; copy++) await line.send(request);
    expect(await ask(alice, 'two'), 'what is used stays').toBe('re: two');
    expect(await ask(mallory, 'more')).toBe('re: more');
  });

  test('P7 a bootstrap policy that would show the secret to anybody is refused', async () => {
    const { client, service } = await pki();
    const signed = x509Signed({ key: client.key(), trust: trustPeers(service.certificate) });
    expect(() => settingsOf({ bootstrap: signed })).toThrow(
      expect.objectContaining({ code: 'CONVERSATION_SETTING', message: expect.stringContaining('in the clear') }),
    );
  });

  test('M30 nobody renews or cancels the context of somebody else', async () => {
    const line = await Line.of(overTls, { contextLifetime: 10_000 });
    const [alice, mallory] = [await line.client('alice'), await line.client('mallory')];
    await ask(alice, 'one');
    await ask(mallory, 'mine');
    const identifiers = line.wire.flatMap((octets) => /Reference URI="(urn:uuid:[^"]+)"/.exec(octets)?.[1] ?? []);
    const [hers = '', his = ''] = [...new Set(identifiers)];
    expect([hers, his]).not.toContain('');
    // Renewal: under his credentials and his context, of hers.
    await line.clock.advance(6_000);
    line.change = (octets, way) =>
      way === 'request' && octets.includes('RenewTarget')
        ? octets.replace(`Reference URI="${his}"`, `Reference URI="${hers}"`)
        : octets;
    await ask(mallory, 'again');
    expect(line.wire.some((octets) => faultIn(octets) === 'UnableToRenew')).toBe(true);
    line.change = (octets, way) =>
      way === 'request' && octets.includes('CancelTarget')
        ? octets.replace(`Reference URI="${his}"`, `Reference URI="${hers}"`)
        : octets;
    await mallory.close();
    expect(faultIn(last(line.wire))).toBe('RequestFailed');
    line.change = (octets) => octets;
    expect(await ask(alice, 'two')).toBe('re: two');
    expect(line.texts).toEqual(['one', 'mine', 'again', 'two']);
  });

  test('a message without a context, and one whose context does not sign, are refused', async () => {
    const line = await Line.of(overTls);
    const alice = await line.client();
    await ask(alice, 'one');
    const without = (pattern: RegExp) => (octets: string, way: 'request' | 'reply') =>
      way === 'request' ? octets.replace(pattern, '') : octets;
    line.change = without(/<ds:Signature .*<\/ds:Signature>/s);
    expect(await codeOf(ask(alice, 'two'))).toBe('SECURITY_UNSECURED_FAULT');
    expect(faultIn(last(line.wire))).toBe('InvalidSecurity');
    line.change = (octets, way) =>
      way === 'request'
        ? octets
            .replace(/<ds:Signature .*<\/ds:Signature>/s, '')
            .replace(/<wsc:SecurityContextToken .*<\/wsc:SecurityContextToken>/s, '')
        : octets;
    expect(await codeOf(ask(alice, 'three'))).toBe('SECURITY_UNSECURED_FAULT');
    expect(line.texts).toEqual(['one']);
  });

  test('E12 what was encrypted under the context of another does not travel under one of my own', async () => {
    const line = await Line.of(certificates);
    const [alice, mallory] = [await line.client(), await line.client()];
    await ask(alice, 'secret of alice');
    const stolen = line.wire.at(-2) ?? '';
    await ask(mallory, 'mine');
    // Her derived key for encryption and her Body, in a message under his context.
    const keys = [...stolen.matchAll(/<wsc:DerivedKeyToken .*?<\/wsc:DerivedKeyToken>/gs)].map(([key]) => key);
    const token = /<wsc:SecurityContextToken .*?<\/wsc:SecurityContextToken>/s.exec(stolen)?.[0] ?? '';
    const body =
      /<env:Body.*<\/env:Body>/s.exec(stolen)?.[0] ?? /<[a-z]+:Body.*<\/[a-z]+:Body>/s.exec(stolen)?.[0] ?? '';
    expect([token, body, keys[1] ?? '']).not.toContain('');
    line.change = (octets, way) =>
      way === 'request'
        ? octets
            .replace(/(<wsc:DerivedKeyToken )/, `${token}${keys[1]}$1`)
            .replace(/<[a-z]+:Body.*<\/[a-z]+:Body>/s, body)
        : octets;
    expect(await codeOf(ask(mallory, 'x'))).toBe('SECURITY_UNSECURED_FAULT');
    expect(faultIn(last(line.wire))).toBe('InvalidSecurity');
    expect(line.texts).toEqual(['secret of alice', 'mine']);
  });

  test('M5 faults that nobody signed end no context at message level', async () => {
    const line = await Line.of(certificates);
    const alice = await line.client();
    await ask(alice, 'one');
    const forged = (name: string) => (octets: string, way: 'request' | 'reply') =>
      way === 'reply' ? forgedFault(name) : octets;
    for (const name of ['BadContextToken', 'RenewNeeded', 'SecuritySessionAborted']) {
      line.change = forged(name);
      expect(await codeOf(ask(alice, 'lost'))).toBe('SECURITY_UNSECURED_FAULT');
    }
    line.change = (octets) => octets;
    const before = line.wire.length;
    expect(await ask(alice, 'two')).toBe('re: two');
    // The same context: nothing was asked for anew.
    expect(line.wire.length).toBe(before + 2);
  });
});

describe('keys that are over', () => {
  test.each([overTls, certificates])(
    '$name: renewed before the next message, which goes out under the new key',
    async (way) => {
      const line = await Line.of(way, { contextLifetime: 10_000 });
      const alice = await line.client();
      await ask(alice, 'one');
      await line.clock.advance(11_000);
      expect(await ask(alice, 'two')).toBe('re: two');
      expect(line.texts).toEqual(['one', 'two']);
      expect(line.wire.filter((octets) => octets.includes('/RST/SCT/Renew')).length).toBe(1);
    },
  );

  test('the acceptor says RenewNeeded, secured; the message goes out again and is heard once', async () => {
    const line = await Line.of(overTls, { contextLifetime: 10_000 });
    // This end thinks that keys live ten times as long.
    const alice = await line.client('alice');
    line.change = (octets, way) =>
      way === 'reply'
        ? octets.replace(
            /(Expires[^>]*>\d{4}-\d\d-\d\dT\d\d:)\d\d(:\d\d\.\d{3}Z<\/wsu:Expires><\/wst:Lifetime)/,
            '$159$2',
          )
        : octets;
    await ask(alice, 'one');
    await line.clock.advance(11_000);
    expect(await ask(alice, 'two')).toBe('re: two');
    expect(line.wire.some((octets) => faultIn(octets) === 'RenewNeeded' && octets.includes('Security'))).toBe(true);
    expect(line.texts).toEqual(['one', 'two']);
  });

  test('a key that nobody renewed in time is forgotten, and the next message asks for another context', async () => {
    const line = await Line.of(overTls, { contextLifetime: 10_000, limits: { rollover: 5_000 } });
    const alice = await line.client();
    await ask(alice, 'one');
    await line.clock.advance(20_000);
    expect(await codeOf(ask(alice, 'two'))).toBe('SECURITY_UNSECURED_FAULT');
    expect(await ask(alice, 'three')).toBe('re: three');
    expect(line.texts).toEqual(['one', 'three']);
  });
});

test('an error of the conversation says what the issuer said', async () => {
  const line = await Line.of(overTls, { limits: { pending: 1, perIdentity: 1 } });
  const first: Channel = await line.client();
  await ask(first, 'one');
  const refusal = await ask(await line.client(), 'two').catch((thrown: unknown) => thrown);
  expect(refusal).toBeInstanceOf(ConversationError);
  expect(refusal).toMatchObject({
    code: 'CONVERSATION_TOO_BUSY',
    transient: true,
    fault: { subcode: { local: 'ServerTooBusy' } },
  });
});

function forgedFault(name: string): string {
  const soap = 'http://www.w3.org/2003/05/soap-envelope';
  const sc = conversationVersions[0]?.namespace;
  return (
    `<s:Envelope xmlns:s="${soap}"><s:Body><s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value xmlns:c="${sc}">c:${name}` +
    '</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang="en">x</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>'
  );
}
