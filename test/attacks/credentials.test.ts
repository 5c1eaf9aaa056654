/** Passwords: K13, K17, K18, R2, E14: one answer for every wrong credential, and none without TLS. */
import { inspect } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { base64 } from '../../src/base/bytes.ts';
import { passwordDigestOf } from '../../src/security/crypto.ts';
import { evidence } from '../../src/security/evidence.ts';
import {
  type SecurityPolicy,
  timestampOnly,
  unsafeWithoutTls,
  usernameOverTransport,
} from '../../src/security/policy.ts';
import { acceptor, order, type Pki, pki, policyOf, secured, start } from '../security/rig.ts';
import { cut, fault, receive, swap } from './support.ts';

const failed = fault
  .replace('InvalidSecurity', 'FailedAuthentication')
  .replace(
    'An error was discovered processing the wsse:Security header.',
    'The security token could not be authenticated or authorized.',
  );
const tls = { secure: true };
const users = new Map([
  ['alice', 'wonder land'],
  ['nobody', ''],
]);
const passwords = { password: (user: string) => users.get(user) };
const service = usernameOverTransport({ passwords });
const client = (form: 'text' | 'digest', user = 'alice', password = 'wonder land'): SecurityPolicy =>
  usernameOverTransport({ username: { user, password, form } });

let all: Pki;
beforeAll(async () => {
  all = await pki();
});

const octets = async (policy: SecurityPolicy): Promise<string> => new TextDecoder().decode(await secured(policy));

describe.each(['text', 'digest'] as const)('UsernameToken, password as %s', (form) => {
  test('the right one comes in as who it is', async () => {
    const end = acceptor(service);
    await end.receive(await octets(client(form)), tls);
    expect(end.heard[0]?.get(evidence)?.user?.identity).toBe('username:alice');
    expect(end.heard[0]?.get(evidence)?.signer).toBeUndefined();
  });

  test.each([
    ['a wrong password', 'alice', 'wonderland'],
    ['an unknown user', 'bob', 'wonder land'],
    ['a user without password', 'nobody', ''],
    ['another case', 'Alice', 'wonder land'],
  ])('K18 %s looks like any other', async (_, user, password) => {
    const end = acceptor(service);
    const codes: string[] = [];
    const answer = await end.receive(await octets(client(form, user, password)), tls);
    expect(answer).toBe(failed);
    expect(end.heard).toHaveLength(0);
    expect(codes).toEqual([]);
  });

  test('P13 without TLS nothing is looked at', async () => {
    const end = acceptor(service);
    const { answer, codes } = await receive(end, await octets(client(form)));
    expect([answer, codes]).toEqual([fault, ['SECURITY_TRANSPORT']]);
  });
});

describe('UsernameToken', () => {
  test('no view of a policy shows its password, not even that of hidden properties', () => {
    const policy = client('text');
    const views = [
      inspect(policy, { depth: 9, showHidden: true }),
      inspect(policy, { depth: 9 }),
      JSON.stringify(policy),
    ];
    for (const view of views) expect(view).not.toContain('wonder land');
    expect(policy.outbound.username).toMatchObject({ password: 'wonder land' });
  });

  const refused = async (change: (text: string) => string, form: 'text' | 'digest' = 'digest') => {
    const end = acceptor(usernameOverTransport({ passwords, unsafe: [unsafeWithoutTls] }));
    const result = await receive(end, change(await octets(client(form))));
    expect(end.heard).toHaveLength(0);
    return result.codes;
  };
  const without = (name: string) => (text: string) => swap(text, cut(text, name), '');
  const doubled = (name: string) => (text: string) => swap(text, cut(text, name), cut(text, name).repeat(2));

  test('a digest without Nonce or Created is refused', async () => {
    expect(await refused(without('wsse:Nonce'))).toEqual(['SECURITY_MALFORMED']);
    expect(
      await refused((text) =>
        swap(text, cut(cut(text, 'wsse:UsernameToken'), 'wsu:Created'), '').replace(
          '</wsse:UsernameToken>',
          '</wsse:UsernameToken>',
        ),
      ),
    ).toHaveLength(1);
  });
  test('K17 no Password', async () => expect(await refused(without('wsse:Password'))).toEqual(['SECURITY_MALFORMED']));
  test('no Username', async () => expect(await refused(without('wsse:Username'))).toEqual(['SECURITY_MALFORMED']));
  test('R4222: two Passwords', async () =>
    expect(await refused(doubled('wsse:Password'))).toEqual(['SECURITY_MALFORMED']));
  test('two Usernames', async () => expect(await refused(doubled('wsse:Username'))).toEqual(['SECURITY_MALFORMED']));
  test('R4225: two Nonces', async () => expect(await refused(doubled('wsse:Nonce'))).toEqual(['SECURITY_MALFORMED']));
  test('two tokens', async () =>
    expect(
      await refused((text) =>
        doubled('wsse:UsernameToken')(text).replace(/wsu:Id="[^"]*"(?=><wsse:Username)/, 'wsu:Id="x"'),
      ),
    ).toEqual(['SECURITY_CREDENTIALS']));
  test('no token', async () => expect(await refused(without('wsse:UsernameToken'))).toEqual(['SECURITY_CREDENTIALS']));
  test('E14 an Iteration is not computed', async () =>
    expect(
      await refused((text) =>
        swap(
          text,
          '</wsse:UsernameToken>',
          '<e:Iteration xmlns:e="http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd">2147483647</e:Iteration></wsse:UsernameToken>',
        ),
      ),
    ).toEqual(['SECURITY_MALFORMED']));
  test('C1 a comment in the user name', async () =>
    expect(await refused((text) => swap(text, 'alice</wsse:Username>', 'alice<!---->.evil</wsse:Username>'))).toEqual([
      'SECURITY_MALFORMED',
    ]));
  test('a digest passed off as text', async () =>
    expect(await refused((text) => text.replace('#PasswordDigest', '#PasswordText'))).toEqual([
      'SECURITY_CREDENTIALS',
    ]));
  test('a password of an unknown type', async () =>
    expect(await refused((text) => text.replace('#PasswordDigest', '#Other'))).toEqual(['SECURITY_MALFORMED']));

  test('R2 a nonce counts once, however it is spelled', async () => {
    const end = acceptor(usernameOverTransport({ passwords, unsafe: [unsafeWithoutTls] }));
    const text = await octets(client('digest'));
    await end.receive(text);
    const spaced = text.replace(/(<wsse:Nonce[^>]*>)(....)/, '$1 \n$2 ');
    expect((await receive(end, spaced)).codes).toEqual(['SECURITY_REPLAY']);
    expect(end.heard).toHaveLength(1);
  });

  test('a stale digest is refused although the Timestamp is fresh', async () => {
    const end = acceptor(usernameOverTransport({ passwords, unsafe: [unsafeWithoutTls] }));
    const text = await octets(client('digest'));
    const token = cut(text, 'wsse:UsernameToken');
    const created = new Date(start - 700_000).toISOString();
    const nonce = new Uint8Array(16);
    const old = token
      .replace(/(<wsse:Nonce[^>]*>)[^<]*/, `$1${base64(nonce)}`)
      .replace(/(<wsu:Created>)[^<]*/, `$1${created}`)
      .replace(/(<wsse:Password[^>]*>)[^<]*/, `$1${base64(passwordDigestOf(nonce, created, 'wonder land'))}`);
    expect((await receive(end, swap(text, token, old))).codes).toEqual(['SECURITY_TIMESTAMP_EXPIRED']);
  });

  test('hashed passwords are checked by the application, as text only', async () => {
    const check = (user: string, password: string) => user === 'alice' && password === 'wonder land';
    const end = acceptor(usernameOverTransport({ passwords: { check } }));
    await end.receive(await octets(client('text')), tls);
    expect(await end.receive(await octets(client('text', 'alice', 'x')), tls)).toBe(failed);
    expect(await end.receive(await octets(client('digest')), tls)).toBe(failed);
    expect(end.heard).toHaveLength(1);
  });

  test('P3 under a signature the token has to be signed', async () => {
    const username = { user: 'alice', password: 'wonder land', form: 'digest' } as const;
    const both = policyOf(all.service, all.root, { passwords });
    const text = await octets(policyOf(all.client, all.root, { username }));
    const good = acceptor(both);
    await good.receive(text);
    expect(good.heard[0]?.get(evidence)?.user?.name).toBe('alice');
    const plain = new TextDecoder().decode(await secured(policyOf(all.client, all.root), order(), start, 2));
    const bad = acceptor(both);
    const put = swap(plain, '<ds:Signature ', `${cut(text, 'wsse:UsernameToken')}<ds:Signature `);
    expect((await receive(bad, put)).codes).toEqual(['SECURITY_UNSIGNED']);
    expect(bad.heard).toHaveLength(0);
  });
});

describe('timestampOnly', () => {
  test('a Timestamp over TLS is enough, and what nobody asked for is refused', async () => {
    const end = acceptor(timestampOnly());
    await end.receive(await octets(timestampOnly()), tls);
    expect(end.heard).toHaveLength(1);
    expect(await end.receive(await octets(policyOf(all.client, all.root)), tls)).toBe(fault);
    expect(await end.receive(await octets(client('text')), tls)).toBe(fault);
    expect(end.heard).toHaveLength(1);
    expect(end.heard[0]?.message.headers).toHaveLength(order().headers.length);
  });
});
