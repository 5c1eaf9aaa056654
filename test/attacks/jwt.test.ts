/**
 * JSON Web Tokens as BinarySecurityTokens (RFC 8725): what is accepted, and attacks on it (facts: K1, K2, K4, K15, R12, D9). Tokens
 * are made by jose or by hand; no token is made by what reads it.
 */
import { createHmac, createSecretKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { exportJWK, SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { type Instant, instant } from '../../src/base/clock.ts';
import { MemoryReplayCache } from '../../src/security/replay.ts';
import { unsafeAnyAudience } from '../../src/security/tokens/claims.ts';
import {
  isJwtToken,
  type JwtRequirement,
  type JwtToken,
  jwtLimits,
  readJwtToken,
  verifyJwt,
  writeJwtToken,
} from '../../src/security/tokens/jwt.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';

const now: Instant = instant(Date.UTC(2026, 10, 22, 12));
const seconds = now / 1_000;
const issuer = 'https://sts.example/';
const audience = 'https://service.example/soap';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

const rules: JwtRequirement = { issuers: [{ name: issuer, keys: rsa.publicKey }], audiences: [audience] };
const payload = {
  iss: issuer,
  aud: audience,
  sub: 'alice',
  iat: seconds,
  exp: seconds + 600,
  jti: 'one',
  role: ['buyer', 'R&D'],
};

const signed = (more: object = {}, key = rsa.privateKey, header: object = {}): Promise<string> =>
  new SignJWT({ ...payload, ...more }).setProtectedHeader({ alg: 'RS256', ...header }).sign(key);
const verify = (
  text: string,
  more: Partial<JwtRequirement> = {},
  at: Instant = now,
  replay = new MemoryReplayCache(),
): Promise<JwtToken> => verifyJwt(text, { ...rules, ...more }, at, replay);
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('accepted', () => {
  test('inside a BinarySecurityToken, claims and subject', async () => {
    const element = XmlFragment.parse(writeJwtToken('t', await signed()).bytes).element;
    expect(isJwtToken(element)).toBe(true);
    const token = await verify(readJwtToken(element));
    expect(token.claims.attributes.get('role')).toEqual(['buyer', 'R&D']);
    expect(token.subject).toMatchObject({ kind: 'jwt', name: 'alice' });
    expect(token.until).toBe(now + 600_000 + 300_000);
    expect(token.algorithm).toBe('RS256');
  });
  test('a key set by kid, a curve, a secret', async () => {
    const keys = {
      keys: [
        { ...(await exportJWK(rsa.publicKey)), kid: 'r' },
        { ...(await exportJWK(ec.publicKey)), kid: 'e' },
      ],
    };
    const set = { issuers: [{ name: issuer, keys }] };
    expect((await verify(await signed({}, rsa.privateKey, { kid: 'r' }), set)).algorithm).toBe('RS256');
    expect((await verify(await signed({}, ec.privateKey, { kid: 'e', alg: 'ES256' }), set)).algorithm).toBe('ES256');
    const secret = createSecretKey(Buffer.alloc(32, 7));
    const text = await signed({}, secret, { alg: 'HS256' });
    expect((await verify(text, { issuers: [{ name: issuer, keys: secret }] })).algorithm).toBe('HS256');
  });
  test('the life is bounded, the clocks may differ', async () => {
    const text = await signed({ nbf: seconds });
    await verify(text, {}, instant(now - 300_000));
    await verify(text, {}, instant(now + 899_000));
    await verify(await signed({ exp: seconds + 86_400 }));
  });
});

const hmacWithPublicKey = (): string => {
  const input = `${part({ alg: 'HS256' })}.${part(payload)}`;
  const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
  return `${input}.${createHmac('sha256', pem).update(input).digest('base64url')}`;
};

describe('refused', () => {
  const cases: readonly (readonly [string, string, () => string | Promise<string>, Partial<JwtRequirement>?])[] = [
    ['alg none', 'SECURITY_TOKEN_INVALID', () => new UnsecuredJWT(payload).encode()],
    [
      'alg none with a signature',
      'SECURITY_ALGORITHM',
      async () => [part({ alg: 'none' }), ...(await signed()).split('.').slice(1)].join('.'),
    ],
    [
      'alg None, in other letters',
      'SECURITY_ALGORITHM',
      async () => [part({ alg: 'NoNe' }), ...(await signed()).split('.').slice(1)].join('.'),
    ],
    ['K2 HMAC with the public key as secret', 'SECURITY_ALGORITHM', hmacWithPublicKey],
    [
      'K2 the same where a list has HS256 beside a public key',
      'SECURITY_ALGORITHM',
      hmacWithPublicKey,
      { issuers: [{ name: issuer, keys: rsa.publicKey, algorithms: ['HS256', 'RS256'] }] },
    ],
    [
      'K4 an algorithm that is not listed',
      'SECURITY_ALGORITHM',
      () => signed({}, rsa.privateKey, { alg: 'PS256' }),
      { issuers: [{ name: issuer, keys: rsa.publicKey, algorithms: ['RS256'] }] },
    ],
    ['K1 a key of somebody else', 'SECURITY_SIGNATURE', () => signed({}, stranger.privateKey)],
    [
      'K1 a key that the token brings as jwk',
      'SECURITY_SIGNATURE',
      async () => signed({}, stranger.privateKey, { jwk: await exportJWK(stranger.publicKey) }),
    ],
    [
      'K1 a key behind a URL (jku)',
      'SECURITY_SIGNATURE',
      () => signed({}, stranger.privateKey, { jku: 'https://evil.example/keys' }),
    ],
    [
      'a critical header that nobody knows',
      'SECURITY_ALGORITHM',
      async () => [part({ alg: 'RS256', crit: ['x'], x: 1 }), ...(await signed()).split('.').slice(1)].join('.'),
    ],
    ['K15 another audience', 'SECURITY_TOKEN_INVALID', () => signed({ aud: 'https://other.example/' })],
    ['K15 no audience', 'SECURITY_TOKEN_INVALID', () => signed({ aud: undefined })],
    ['another issuer', 'SECURITY_TOKEN_INVALID', () => signed({ iss: `${issuer}x` })],
    ['no issuer', 'SECURITY_TOKEN_INVALID', () => signed({ iss: undefined })],
    ['expired', 'SECURITY_TOKEN_EXPIRED', () => signed({ exp: seconds - 301 })],
    ['not yet valid', 'SECURITY_TOKEN_EXPIRED', () => signed({ nbf: seconds + 301 })],
    ['no end', 'SECURITY_TOKEN_EXPIRED', () => signed({ exp: undefined })],
    ['an end that is no number', 'SECURITY_TOKEN_EXPIRED', () => signed({ exp: '9' })],
    ['a life of years', 'SECURITY_TOKEN_EXPIRED', () => signed({ exp: seconds + 86_401 })],
    ['issued in the future', 'SECURITY_TOKEN_EXPIRED', () => signed({ iat: seconds + 400, exp: seconds + 600 })],
    ['another type', 'SECURITY_TOKEN_INVALID', () => signed({}, rsa.privateKey, { typ: 'JWT' }), { type: 'at+jwt' }],
    ['no jti where it is to be used once', 'SECURITY_TOKEN_INVALID', () => signed({ jti: undefined }), { once: true }],
    ['D9 too large', 'SECURITY_LIMIT', () => signed({ x: 'x'.repeat(jwtLimits.octets) })],
    [
      'D9 too many claims',
      'SECURITY_LIMIT',
      () => signed(Object.fromEntries(Array.from({ length: 129 }, (_, at) => [`c${at}`, 1]))),
    ],
    ['an encrypted token', 'SECURITY_TOKEN_INVALID', () => 'a.b.c.d.e'],
    ['white space', 'SECURITY_TOKEN_INVALID', async () => ` ${await signed()}`],
    ['padding', 'SECURITY_TOKEN_INVALID', async () => `${await signed()}=`],
    ['a payload that is no JSON', 'SECURITY_TOKEN_INVALID', () => `${part({ alg: 'RS256' })}.eA.eA`],
    [
      'a payload that is null',
      'SECURITY_TOKEN_INVALID',
      () => `${part({ alg: 'RS256' })}.${Buffer.from('null').toString('base64url')}.eA`,
    ],
    [
      'a short secret',
      'SECURITY_KEY',
      () => signed({}, createSecretKey(Buffer.alloc(32)), { alg: 'HS256' }),
      { issuers: [{ name: issuer, keys: createSecretKey(Buffer.alloc(31)) }] },
    ],
  ];
  for (const [name, code, make, more] of cases)
    test(name, async () => {
      const error = await verify(await make(), more).catch((thrown: unknown) => thrown);
      expect((error as { code?: string }).code, String(error)).toBe(code);
    });

  test('R12 a bearer that is to be used once', async () => {
    const replay = new MemoryReplayCache();
    const text = await signed();
    await verify(text, { once: true }, now, replay);
    await expect(verify(text, { once: true }, now, replay)).rejects.toMatchObject({ code: 'SECURITY_REPLAY' });
  });
  test('any audience only by its unsafe name', async () => {
    await verify(await signed({ aud: 'https://other.example/' }), { audiences: unsafeAnyAudience });
  });
  test('errors tell claims by name, never the token', async () => {
    const text = await signed({ sub: 'secret-subject', aud: 'x' });
    const error = await verify(text).catch((thrown: unknown) => thrown);
    expect(inspect(error, { depth: 0, showHidden: false }).split('cause')[0]).not.toContain(text.split('.')[2]);
    expect(String(error)).not.toContain('secret-subject');
  });
});
