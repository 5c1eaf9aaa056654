/** Signs JSON Web Tokens (RFC 7515 compact form, RFC 7518) with any signing key, one in a device too, which jose cannot ask. */
import { utf8 } from '../../base/bytes.ts';
import { SecurityError } from '../errors.ts';
import type { SigningKey } from '../keys.ts';
import {
  ecdsaSha256,
  ecdsaSha384,
  ecdsaSha512,
  ed25519,
  rsaPssSha256,
  rsaSha256,
  type SignatureAlgorithm,
} from '../suites.ts';

/** The one algorithm of JWS for each kind of key; on a curve its length says which. */
const algorithms: Readonly<Record<string, readonly [name: string, row: SignatureAlgorithm]>> = Object.freeze({
  rsa: ['RS256', rsaSha256],
  'rsa-pss': ['PS256', rsaPssSha256],
  prime256v1: ['ES256', ecdsaSha256],
  secp384r1: ['ES384', ecdsaSha384],
  secp521r1: ['ES512', ecdsaSha512],
  ed25519: ['EdDSA', ed25519],
});

/**
 * The compact form of a token with these claims. Its `kid` is the fingerprint of the key.
 *
 * @throws SecurityError `SECURITY_KEY` for a key that JWS has no algorithm for; what the key throws
 */
export async function signedJwt(claims: Readonly<Record<string, unknown>>, key: SigningKey): Promise<string> {
  const { key: publicKey, keyFingerprint } = key.certificate;
  const { asymmetricKeyType = '', asymmetricKeyDetails: details } = publicKey;
  const found = algorithms[asymmetricKeyType === 'ec' ? (details?.namedCurve ?? '') : asymmetricKeyType];
  if (found === undefined) throw new SecurityError('SECURITY_KEY', 'There is no JSON Web Signature with such a key.');
  const [alg, row] = found;
  const head = encoded(JSON.stringify({ alg, typ: 'JWT', kid: keyFingerprint }));
  const input = `${head}.${encoded(JSON.stringify(claims))}`;
  return `${input}.${Buffer.from(await key.sign(row, utf8(input))).toString('base64url')}`;
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}
