/** Messages whose sender a JSON Web Token names: over TLS, under a service's certificate, inside an X.509 signature; and attacks. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { evidence, identityOf } from '../../src/security/evidence.ts';
import { type SecurityPolicy, timestampOnly, x509Signed } from '../../src/security/policy.ts';
import { issuedTokenForCertificate, issuedTokenOverTransport } from '../../src/security/presets/issued-token.ts';
import type { JwtRequirement } from '../../src/security/tokens/jwt.ts';
import { trustChain } from '../../src/security/trust.ts';
import { cut, receive, swap } from '../attacks/support.ts';
import { type Issued, issue } from './pki.ts';
import { acceptor, type Pki, pki, secured, start } from './rig.ts';
import { talk } from './talk.ts';

const issuer = 'https://sts.example/';
const audience = 'https://service.example/soap';
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwt: JwtRequirement = { issuers: [{ name: issuer, keys: pair.publicKey }], audiences: [audience] };
const claims = {
  iss: issuer,
  aud: audience,
  sub: 'alice',
  iat: start / 1_000,
  exp: start / 1_000 + 600,
  role: ['buyer'],
};
const token = async (more: object = {}) => ({
  jwt: await new SignJWT({ ...claims, ...more })
    .setProtectedHeader({ alg: 'ES256' })
    .sign(createPrivateKey(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }))),
});
const tls = { secure: true };

let all: Pki;
let bob: Issued;
beforeAll(async () => {
  all = await pki();
  bob = await issue({ name: 'bob', kind: 'rsa' }, all.root);
});

const overTransport = (more: object = {}): SecurityPolicy =>
  issuedTokenOverTransport({ token: () => token(more), confirmation: 'bearer' });
const forCertificate = (more: object = {}): SecurityPolicy =>
  issuedTokenForCertificate({ token: () => token(more), confirmation: 'bearer', peer: bob.certificate });

describe('the subject of the token is the user', () => {
  test('over TLS', async () => {
    const between = talk(overTransport(), issuedTokenOverTransport({ jwt }), {}, tls);
    expect((await between.ask())?.message.body.toString()).toContain('the answer');
    const [heard] = between.heard;
    expect(heard && identityOf(heard)).toBe(`jwt:${issuer.length}:${issuer}:alice`);
    expect(heard?.get(evidence)?.claims?.attributes.get('role')).toEqual(['buyer']);
  });

  test('under the certificate of the service: signed and encrypted', async () => {
    const between = talk(forCertificate(), issuedTokenForCertificate({ jwt, key: bob.key() }));
    await between.ask();
    const found = between.heard[0]?.get(evidence);
    expect(found?.user).toMatchObject({ kind: 'jwt', name: 'alice' });
    expect([...(found?.encrypted ?? [])].map((part) => part.replace(/.*}/, ''))).toContain('BinarySecurityToken');
    expect(between.wire[0]).not.toContain('BinarySecurityToken');
  });

  test('inside the signature of a certificate, over TLS', async () => {
    const trust = trustChain({ anchors: all.root.certificate });
    const client = x509Signed({ key: all.client.key(), trust, token: () => token() });
    const service = x509Signed({ key: all.service.key(), trust, jwt });
    const end = acceptor(service);
    await end.receive(await secured(client), tls);
    const found = end.heard[0]?.get(evidence);
    expect(found?.signer?.name).toBe('CN=client');
    expect(found?.user).toMatchObject({ kind: 'jwt', name: 'alice' });
  });
});

describe('refused', () => {
  const at = async (service: SecurityPolicy, octets: string | Uint8Array, from = tls) => {
    const end = acceptor(service);
    const { codes } = await receive({ ...end, receive: (one) => end.receive(one, from) }, octets);
    expect(end.heard).toHaveLength(0);
    return codes;
  };
  const sent = async (policy: SecurityPolicy, seed = 1) =>
    new TextDecoder().decode(await secured(policy, undefined, start, seed));

  test.each([
    ['another audience', { aud: 'https://other.example/' }, 'SECURITY_TOKEN_INVALID'],
    ['another issuer', { iss: 'https://evil.example/' }, 'SECURITY_TOKEN_INVALID'],
    ['expired', { exp: start / 1_000 - 301 }, 'SECURITY_TOKEN_EXPIRED'],
  ])('%s', async (_, more, code) => {
    expect(await at(issuedTokenOverTransport({ jwt }), await sent(overTransport(more)))).toEqual([code]);
    expect(await at(issuedTokenForCertificate({ jwt, key: bob.key() }), await sent(forCertificate(more)))).toEqual([
      code,
    ]);
  });

  test('read by whoever was on the way: without TLS and without encryption', async () => {
    const trust = trustChain({ anchors: all.root.certificate });
    const client = x509Signed({ key: all.client.key(), trust, token: () => token() });
    const service = x509Signed({ key: all.service.key(), trust, jwt });
    expect(await at(service, await sent(client), { secure: false })).toEqual(['SECURITY_TRANSPORT']);
    expect(await at(issuedTokenOverTransport({ jwt }), await sent(overTransport()), { secure: false })).toEqual([
      'SECURITY_TRANSPORT',
    ]);
  });

  test('K14 put into the message of somebody else, who did not sign it', async () => {
    const trust = trustChain({ anchors: all.root.certificate });
    const plain = await sent(x509Signed({ key: all.client.key(), trust }));
    const stolen = cut(await sent(overTransport(), 2), 'wsse:BinarySecurityToken');
    const service = x509Signed({ key: all.service.key(), trust, jwt });
    const grafted = swap(plain, '</wsu:Timestamp>', `</wsu:Timestamp>${stolen}`);
    expect(await at(service, grafted)).toEqual(['SECURITY_UNSIGNED']);
    expect(await at(x509Signed({ key: all.service.key(), trust }), grafted)).toEqual(['SECURITY_UNSUPPORTED']);
  });

  test('none, two, or one that nobody asks for', async () => {
    const octets = await sent(overTransport());
    const bearer = cut(octets, 'wsse:BinarySecurityToken');
    const service = issuedTokenOverTransport({ jwt });
    expect(await at(service, swap(octets, bearer, ''))).toEqual(['SECURITY_TOKEN']);
    const second = bearer.replace(/wsu:Id="[^"]*"/, 'wsu:Id="second"');
    expect(await at(service, swap(octets, bearer, bearer + second))).toEqual(['SECURITY_TOKEN']);
    expect(await at(timestampOnly(), octets)).toEqual(['SECURITY_UNSUPPORTED']);
  });

  test('R12 a second message with a token that may be used once; what was refused does not use it up', async () => {
    const once = { ...jwt, once: true };
    const end = acceptor(issuedTokenOverTransport({ jwt: once }));
    const client = overTransport({ jti: 'one' });
    const forged = (await sent(client)).replace(/<wsu:Created>2026/, '<wsu:Created>2025');
    expect((await receive({ ...end, receive: (one) => end.receive(one, tls) }, forged)).codes).toHaveLength(1);
    await end.receive(await sent(client), tls);
    expect(end.heard).toHaveLength(1);
    const again = new TextDecoder().decode(await secured(client, undefined, start, 2));
    expect((await receive({ ...end, receive: (one) => end.receive(one, tls) }, again)).codes).toEqual([
      'SECURITY_REPLAY',
    ]);
  });

  test('a policy has one kind of token, and says whose', () => {
    expect(() => issuedTokenOverTransport({})).toThrow(expect.objectContaining({ code: 'SECURITY_POLICY' }));
    const saml = { issuers: [], audiences: [] };
    expect(() => issuedTokenOverTransport({ jwt, saml })).toThrow(expect.objectContaining({ code: 'SECURITY_POLICY' }));
  });

  test('a client that says it holds a key has none in a JSON Web Token', async () => {
    const client = issuedTokenOverTransport({ token: () => token() });
    await expect(secured(client)).rejects.toMatchObject({ code: 'SECURITY_POLICY' });
  });
});
