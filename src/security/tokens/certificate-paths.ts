/**
 * Certificates that travel as a path (X.509 Token Profile 1.1 section 3.1): #X509PKIPathv1, a SEQUENCE OF Certificate from the
 * anchor's side to the leaf, and #PKCS7, a SignedData that signs nothing and holds certificates in no order. Both only help to
 * build a path; the leaf is found by shape, never by what somebody says of it.
 */
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { concat } from '../../base/bytes.ts';
import { type Certificate, certificate } from '../certificates.ts';
import { SecurityError } from '../errors.ts';

/** Most certificates of one token, and its size in octets (attacks D9, K12). */
export const pathTokenLimits: Readonly<Record<'certificates' | 'octets', number>> = Object.freeze({
  certificates: 10,
  octets: 65_536,
});

const signedData = '1.2.840.113549.1.7.2';

/**
 * The certificates of a PkiPath, the leaf first.
 *
 * @throws SecurityError `SECURITY_CERTIFICATE_MALFORMED`, `SECURITY_LIMIT`
 */
export function readPkiPath(octets: Uint8Array): readonly Certificate[] {
  requireSize(octets.length);
  const parts = partsOf(octets);
  requireCount(parts.length);
  // Each as it stands in the octets: its own encoding is what was signed.
  return parts.map((one) => certificate(one)).toReversed();
}

function partsOf(octets: Uint8Array): readonly Uint8Array[] {
  try {
    const read = asn1js.fromBER(Uint8Array.from(octets));
    if (read.offset !== octets.length || !(read.result instanceof asn1js.Sequence)) throw new RangeError('no sequence');
    return read.result.valueBlock.value.map((one) => new Uint8Array(one.valueBeforeDecodeView));
  } catch (cause) {
    throw malformed('PkiPath', cause);
  }
}

/**
 * The certificates of a PKCS#7 SignedData, the leaf first: the one that issued none of the others.
 *
 * @throws SecurityError `SECURITY_CERTIFICATE_MALFORMED` also when no single one is the leaf, `SECURITY_LIMIT`
 */
export function readPkcs7(octets: Uint8Array): readonly Certificate[] {
  requireSize(octets.length);
  const found = certificatesIn(octets);
  requireCount(found.length);
  const leaves = found.filter((one) => !found.some((other) => other !== one && other.issuer === one.subject));
  const [leaf, second] = leaves;
  if (leaf === undefined || second !== undefined) throw malformed('PKCS#7 token (which certificate is the leaf?)');
  return [leaf, ...found.filter((one) => one !== leaf)];
}

function certificatesIn(octets: Uint8Array): readonly Certificate[] {
  let encoded: readonly Uint8Array[];
  try {
    const content = pkijs.ContentInfo.fromBER(Uint8Array.from(octets));
    if (content.contentType !== signedData) throw new RangeError('not SignedData');
    const { certificates = [] } = new pkijs.SignedData({ schema: content.content });
    encoded = certificates.map((one) => {
      if (!(one instanceof pkijs.Certificate)) throw new RangeError('an attribute certificate');
      return new Uint8Array(one.toSchema(false).toBER());
    });
  } catch (cause) {
    throw malformed('PKCS#7 token', cause);
  }
  return encoded.map((der) => certificate(der));
}

/** A PkiPath of certificates, the leaf first, as `SigningKey.chain` has them. */
export function writePkiPath(chain: readonly Certificate[]): Uint8Array {
  return tagged(0x30, ...chain.toReversed().map((one) => one.der));
}

/**
 * Certificates in a PKCS#7 SignedData that signs nothing (RFC 2315 section 9.1): version 1, no digests, data without content, the
 * certificates, no signers.
 */
export function writePkcs7(chain: readonly Certificate[]): Uint8Array {
  const none = Uint8Array.of(0x31, 0);
  const certificates = tagged(0xa0, ...chain.map((one) => one.der));
  const signed = tagged(0x30, Uint8Array.of(2, 1, 1), none, tagged(0x30, dataOid), certificates, none);
  return tagged(0x30, signedDataOid, tagged(0xa0, signed));
}

/** 1.2.840.113549.1.7.1 and .2, as DER has them. */
const dataOid = Uint8Array.of(6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1);
const signedDataOid = Uint8Array.of(6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2);

function tagged(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = concat(parts);
  return concat([Uint8Array.of(tag), lengthOf(content.length), content]);
}

/** A length in DER. */
function lengthOf(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  const octets: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256);
  return Uint8Array.of(0x80 | octets.length, ...octets);
}

function requireSize(octets: number): void {
  if (octets <= pathTokenLimits.octets) return;
  throw new SecurityError('SECURITY_LIMIT', `A token of ${octets} octets is too large.`);
}

function requireCount(count: number): void {
  if (count === 0) throw malformed('token without certificates');
  if (count <= pathTokenLimits.certificates) return;
  throw new SecurityError('SECURITY_LIMIT', `A token of ${count} certificates is too large.`);
}

function malformed(what: string, cause?: unknown): SecurityError {
  return new SecurityError('SECURITY_CERTIFICATE_MALFORMED', `There is a malformed ${what}.`, { cause });
}
