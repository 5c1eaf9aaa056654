/**
 * JSON Web Tokens (RFC 7519, compact JWS) as wsse:BinarySecurityToken, as WIF and its heirs send them. jose verifies; what is
 * required stands here, up front: algorithms from a list, never `none`, keys that the service chose (a token's own jwk, jku, x5c
 * and x5u headers are never followed), issuer, audience, time, and sizes before anything is decoded (RFC 8725).
 */
import { KeyObject } from 'node:crypto';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose';
import { base64, fromUtf8, utf8 } from '../../base/bytes.ts';
import { type Instant, instant, later } from '../../base/clock.ts';
import type { XmlElement } from '../../xml/document.ts';
import type { XmlFragment } from '../../xml/fragment.ts';
import { XmlWriter } from '../../xml/write.ts';
import { requireSignatureKey } from '../crypto.ts';
import { SecurityError, untrusted } from '../errors.ts';
import type { Signer } from '../evidence.ts';
import { base64Binary, jwtTokenType, wsse, wsu } from '../names.ts';
import type { ReplayCache } from '../replay.ts';
import { allowedAttribute, octetsOf, requiredAttribute } from '../values.ts';
import { type Claims, claimIdentity, tokenTimes, unsafeAnyAudience } from './claims.ts';

/** The algorithms that may be listed: signatures under private keys, and HMAC for those who have a secret. */
export type JwtAlgorithm =
  | `${'RS' | 'PS' | 'HS'}${256 | 384 | 512}`
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519';

export interface JwtIssuer {
  /** The claim `iss`, character for character. */
  readonly name: string;
  /** Whose signatures are the issuer's: one key, or a JSON Web Key Set of public keys, found by `kid`. */
  readonly keys: KeyObject | JSONWebKeySet;
  /** Default: RS, PS and ES with SHA-256 to 512, and EdDSA; for a secret, HS256 to HS512. */
  readonly algorithms?: readonly JwtAlgorithm[];
}

export interface JwtRequirement {
  readonly issuers: readonly JwtIssuer[];
  /** Names of this service, one of which the claim `aud` has to have. */
  readonly audiences: readonly string[] | typeof unsafeAnyAudience;
  /** Longest life of a token, in milliseconds. Default 24 hours. */
  readonly lifetime?: number;
  /** How far clocks may differ, in milliseconds. Default 5 minutes. */
  readonly skew?: number;
  /** Refuses a second message with the same token, by `jti`, which is required then. Default false. */
  readonly once?: boolean;
  /** The header `typ` that is required, such as `at+jwt`. Default: none is. */
  readonly type?: string;
}

/** A token whose signature, issuer, audience and time are right. It is a bearer token: whoever reads it has it. */
export interface JwtToken {
  readonly claims: Claims;
  /** Absent where the token has no `sub`. */
  readonly subject: Signer | undefined;
  readonly id: string | undefined;
  readonly algorithm: string;
  readonly until: Instant;
}

/** Octets of a token, and how many claims and values it may have (attack D9). */
export const jwtLimits: Readonly<Record<'octets' | 'claims' | 'values', number>> = Object.freeze({
  octets: 16_384,
  claims: 128,
  values: 1_024,
});

const asymmetric: readonly JwtAlgorithm[] = Object.freeze([
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]);
const symmetric: readonly JwtAlgorithm[] = Object.freeze(['HS256', 'HS384', 'HS512']);
/** Three parts of base64url, of which the last may not be empty: a token without signature has no such form. */
const compact = /^[\w-]{1,16000}\.[\w-]{1,16000}\.[\w-]{1,2048}$/;

/** Whether a BinarySecurityToken holds a JSON Web Token. */
export function isJwtToken(token: XmlElement): boolean {
  return token.is(wsse, 'BinarySecurityToken') && token.attribute('ValueType') === jwtTokenType;
}

/**
 * The compact form inside a BinarySecurityToken.
 *
 * @throws SecurityError `SECURITY_TOKEN_INVALID`, `SECURITY_LIMIT`, `SECURITY_MALFORMED`, `SECURITY_UNSUPPORTED`
 */
export function readJwtToken(token: XmlElement): string {
  const valueType = requiredAttribute(token, 'ValueType');
  if (valueType !== jwtTokenType) {
    throw new SecurityError('SECURITY_UNSUPPORTED', `Tokens of type "${untrusted(valueType)}" are not accepted.`);
  }
  allowedAttribute(token, 'EncodingType', base64Binary);
  if (token.end - token.start > 2 * jwtLimits.octets) throw tooLarge();
  return fromUtf8(octetsOf(token));
}

/** The token around a compact form. */
export function writeJwtToken(id: string, text: string): XmlFragment {
  return new XmlWriter()
    .start(wsse, 'BinarySecurityToken', 'wsse')
    .attribute(wsu, 'Id', id, 'wsu')
    .attribute('', 'EncodingType', base64Binary)
    .attribute('', 'ValueType', jwtTokenType)
    .text(base64(utf8(text)))
    .end()
    .finish();
}

/**
 * @param replay where `once` is remembered
 * @throws SecurityError `SECURITY_TOKEN_INVALID`, `SECURITY_TOKEN_EXPIRED`, `SECURITY_SIGNATURE`, `SECURITY_ALGORITHM`,
 *   `SECURITY_KEY`, `SECURITY_LIMIT`, `SECURITY_REPLAY`, `SECURITY_REPLAY_FULL`
 */
export async function verifyJwt(
  text: string,
  requirement: JwtRequirement,
  now: Instant,
  replay: ReplayCache,
): Promise<JwtToken> {
  if (text.length > jwtLimits.octets) throw tooLarge();
  if (!compact.test(text)) throw invalid('It is not three parts of base64url');
  const issuer = issuerOf(text, requirement);
  const { payload, protectedHeader } = await verified(text, issuer, requirement, now);
  const until = requireTime(payload, requirement, now);
  const claims = claimsOf(payload, issuer.name);
  const id = payload.jti;
  if (requirement.once === true) {
    if (typeof id !== 'string' || id === '') throw invalid('It has no jti');
    const fresh = await replay.remember(`jwt ${issuer.name.length} ${issuer.name} ${id}`, until, now);
    if (!fresh) throw new SecurityError('SECURITY_REPLAY', 'The JSON Web Token was used before.');
  }
  return Object.freeze({
    claims,
    subject: subjectOf(claims),
    id,
    algorithm: protectedHeader.alg,
    until,
  });
}

function subjectOf({ issuer, subject: name }: Claims): Signer | undefined {
  return name === undefined ? undefined : { kind: 'jwt', identity: claimIdentity('jwt', issuer, name), name };
}

/** The issuer that the payload claims: which keys to try. It is believed when one of them fits. */
function issuerOf(text: string, { issuers }: JwtRequirement): JwtIssuer {
  let claimed: unknown;
  try {
    claimed = (JSON.parse(fromUtf8(Buffer.from(text.split('.')[1] ?? '', 'base64url'))) as { iss?: unknown } | null)
      ?.iss;
  } catch (cause) {
    throw invalid('Its payload is no JSON', cause);
  }
  const issuer = issuers.find((one) => one.name === claimed);
  if (issuer === undefined) throw invalid(`Its issuer "${untrusted(String(claimed))}" is not known`);
  return issuer;
}

async function verified(
  text: string,
  { keys, algorithms, name }: JwtIssuer,
  requirement: JwtRequirement,
  now: Instant,
): Promise<JWTVerifyResult> {
  const secret = keys instanceof KeyObject && keys.type === 'secret';
  const possible = secret ? symmetric : asymmetric;
  // A public key is never the secret of an HMAC, whatever a list says (attack K2).
  const taken = (algorithms ?? possible).filter((one) => possible.includes(one));
  const { audiences, skew = tokenTimes.skew, type } = requirement;
  const options = {
    algorithms: [...taken],
    issuer: name,
    currentDate: new Date(now),
    clockTolerance: Math.ceil(skew / 1_000),
    requiredClaims: ['exp'],
    ...(audiences === unsafeAnyAudience ? {} : { audience: [...audiences] }),
    ...(type === undefined ? {} : { typ: type }),
  };
  try {
    if (keys instanceof KeyObject) {
      requireSignatureKey(keys);
      return await jwtVerify(text, keys, options);
    }
    return await jwtVerify(text, keySet(keys), options);
  } catch (cause) {
    throw translated(cause);
  }
}

const keySets = new WeakMap<JSONWebKeySet, ReturnType<typeof createLocalJWKSet>>();

/** Keys are imported once for each set. */
function keySet(keys: JSONWebKeySet): ReturnType<typeof createLocalJWKSet> {
  const made = keySets.get(keys) ?? createLocalJWKSet(keys);
  keySets.set(keys, made);
  return made;
}

/** jose has checked exp and nbf; the longest life and the future are this policy's. */
function requireTime(payload: JWTPayload, requirement: JwtRequirement, now: Instant): Instant {
  const { lifetime = tokenTimes.lifetime, skew = tokenTimes.skew } = requirement;
  const { exp = 0, nbf, iat } = payload;
  const start = (nbf ?? iat ?? now / 1_000) * 1_000;
  const end = exp * 1_000;
  if (!Number.isFinite(end) || end - start > lifetime) {
    throw new SecurityError('SECURITY_TOKEN_EXPIRED', 'The JSON Web Token claims to be good for too long.');
  }
  if (iat !== undefined && iat * 1_000 > now + skew) {
    throw new SecurityError('SECURITY_TOKEN_EXPIRED', 'The JSON Web Token was issued in the future.');
  }
  return later(instant(end), skew);
}

/** Claims that have a meaning of their own. */
const registered: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti']);

function claimsOf(payload: JWTPayload, issuer: string): Claims {
  const attributes = new Map<string, readonly string[]>();
  let values = 0;
  for (const [name, value] of Object.entries(payload)) {
    if (registered.has(name)) continue;
    const texts = [value]
      .flat()
      .filter((one) => typeof one !== 'object')
      .map(String);
    values += texts.length;
    if (texts.length > 0) attributes.set(name, texts);
    if (attributes.size > jwtLimits.claims || values > jwtLimits.values) throw tooLarge();
  }
  return { issuer, subject: typeof payload.sub === 'string' ? payload.sub : undefined, attributes };
}

/** jose's reasons as ours; its messages name claims, never values. */
function translated(cause: unknown): SecurityError {
  if (cause instanceof SecurityError) return cause;
  if (cause instanceof errors.JWTExpired) return failed('SECURITY_TOKEN_EXPIRED', 'it has expired', cause);
  if (cause instanceof errors.JWTClaimValidationFailed) {
    const code = cause.claim === 'nbf' || cause.claim === 'exp' ? 'SECURITY_TOKEN_EXPIRED' : 'SECURITY_TOKEN_INVALID';
    return failed(code, `the claim ${untrusted(cause.claim)} is not accepted`, cause);
  }
  if (cause instanceof errors.JWSSignatureVerificationFailed) {
    return failed('SECURITY_SIGNATURE', 'the signature is not that of the issuer', cause);
  }
  if (cause instanceof errors.JOSEAlgNotAllowed || cause instanceof errors.JOSENotSupported) {
    return failed('SECURITY_ALGORITHM', 'its algorithm is not accepted', cause);
  }
  if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) {
    return failed('SECURITY_KEY', 'no single key of the issuer fits', cause);
  }
  if (cause instanceof TypeError) return failed('SECURITY_KEY', 'the key does not fit the algorithm', cause);
  return failed('SECURITY_TOKEN_INVALID', 'it is malformed', cause);
}

function failed(code: ConstructorParameters<typeof SecurityError>[0], why: string, cause: unknown): SecurityError {
  return new SecurityError(code, `A JSON Web Token is refused: ${why}.`, { cause });
}

function invalid(what: string, cause?: unknown): SecurityError {
  return new SecurityError('SECURITY_TOKEN_INVALID', `A JSON Web Token is refused. ${what}.`, { cause });
}

function tooLarge(): SecurityError {
  return new SecurityError(
    'SECURITY_LIMIT',
    `A JSON Web Token is larger than ${jwtLimits.octets} octets, or has too many claims.`,
  );
}
