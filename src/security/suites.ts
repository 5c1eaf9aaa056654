/**
 * Algorithms as rows. A policy lists rows, never names; what a message names is only looked up among them, so an
 * algorithm that nobody listed is unknown, and unknown means refused (XML Signature 1.1 section 6; attack K4).
 */

export interface DigestAlgorithm {
  readonly uri: string;
  /** The name of the hash in OpenSSL. */
  readonly hash: string;
}

export interface SignatureAlgorithm {
  readonly uri: string;
  /** The kind of key that fits; a key of another kind is refused, whatever the message says (attack K2). */
  readonly family: SignatureFamily;
  readonly hash: string;
}

/** RSA keys sign in two ways; an RSA key that is restricted to PSS by its type signs in one only. */
export type SignatureFamily = 'rsa' | 'rsa-pss' | 'ecdsa' | 'ed25519' | 'hmac';

export const sha256: DigestAlgorithm = row('http://www.w3.org/2001/04/xmlenc#sha256', 'sha256');
export const sha384: DigestAlgorithm = row('http://www.w3.org/2001/04/xmldsig-more#sha384', 'sha384');
export const sha512: DigestAlgorithm = row('http://www.w3.org/2001/04/xmlenc#sha512', 'sha512');

const more = 'http://www.w3.org/2001/04/xmldsig-more#';
export const rsaSha256: SignatureAlgorithm = signatureRow(`${more}rsa-sha256`, 'rsa', 'sha256');
export const rsaSha384: SignatureAlgorithm = signatureRow(`${more}rsa-sha384`, 'rsa', 'sha384');
export const rsaSha512: SignatureAlgorithm = signatureRow(`${more}rsa-sha512`, 'rsa', 'sha512');
export const ecdsaSha256: SignatureAlgorithm = signatureRow(`${more}ecdsa-sha256`, 'ecdsa', 'sha256');
export const ecdsaSha384: SignatureAlgorithm = signatureRow(`${more}ecdsa-sha384`, 'ecdsa', 'sha384');
export const ecdsaSha512: SignatureAlgorithm = signatureRow(`${more}ecdsa-sha512`, 'ecdsa', 'sha512');

/** RSASSA-PSS with the parameters that RFC 9231 section 2.3.10 fixes: MGF1 and salt as the hash. */
const more2007 = 'http://www.w3.org/2007/05/xmldsig-more#';
export const rsaPssSha256: SignatureAlgorithm = signatureRow(`${more2007}sha256-rsa-MGF1`, 'rsa-pss', 'sha256');
export const rsaPssSha384: SignatureAlgorithm = signatureRow(`${more2007}sha384-rsa-MGF1`, 'rsa-pss', 'sha384');
export const rsaPssSha512: SignatureAlgorithm = signatureRow(`${more2007}sha512-rsa-MGF1`, 'rsa-pss', 'sha512');
/** RFC 9231 section 2.3.12; the hash is inside the algorithm. */
export const ed25519: SignatureAlgorithm = signatureRow(
  'http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519',
  'ed25519',
  'sha512',
);
/** Under a secret that both ends have: session keys, derived keys, keys of an EncryptedKey. Never truncated (attack K3). */
export const hmacSha256: SignatureAlgorithm = signatureRow(`${more}hmac-sha256`, 'hmac', 'sha256');
export const hmacSha384: SignatureAlgorithm = signatureRow(`${more}hmac-sha384`, 'hmac', 'sha384');
export const hmacSha512: SignatureAlgorithm = signatureRow(`${more}hmac-sha512`, 'hmac', 'sha512');

/** SHA-1 collides: whoever accepts it accepts that a digest may stand for two texts. For peers that have nothing else. */
export const unsafeSha1: DigestAlgorithm = row('http://www.w3.org/2000/09/xmldsig#sha1', 'sha1');
/** RSA over SHA-1, for peers that have nothing else (the `Basic256` suites of WS-SecurityPolicy). */
export const unsafeRsaSha1: SignatureAlgorithm = signatureRow(
  'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
  'rsa',
  'sha1',
);

/** HMAC over SHA-1, for peers that have nothing else (every suite of WS-SecurityPolicy as its text has it). */
export const unsafeHmacSha1: SignatureAlgorithm = signatureRow(
  'http://www.w3.org/2000/09/xmldsig#hmac-sha1',
  'hmac',
  'sha1',
);

/** What a policy accepts when it does not say. */
export const modernDigests: readonly DigestAlgorithm[] = Object.freeze([sha256, sha384, sha512]);
/** What a policy accepts when it does not say, under private keys. */
export const modernSignatures: readonly SignatureAlgorithm[] = Object.freeze([
  rsaSha256,
  rsaSha384,
  rsaSha512,
  ecdsaSha256,
  ecdsaSha384,
  ecdsaSha512,
  rsaPssSha256,
  rsaPssSha384,
  rsaPssSha512,
  ed25519,
]);
/** What a policy accepts when it does not say, under secrets. */
export const modernMacs: readonly SignatureAlgorithm[] = Object.freeze([hmacSha256, hmacSha384, hmacSha512]);

/** Rows by URI. */
export function byUri<Row extends { readonly uri: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((one) => [one.uri, one]));
}

/** True for rows over a hash that is broken. */
export function isUnsafe(algorithm: DigestAlgorithm | SignatureAlgorithm): boolean {
  return algorithm.hash === 'sha1';
}

function row(uri: string, hash: string): DigestAlgorithm {
  return Object.freeze({ uri, hash });
}

function signatureRow(uri: string, family: SignatureAlgorithm['family'], hash: string): SignatureAlgorithm {
  return Object.freeze({ uri, family, hash });
}
