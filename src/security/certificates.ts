/**
 * X.509 certificates as values: parsed once, kept by their octets in a bounded cache, compared by fingerprint. A
 * certificate proves nothing by being here; `trust.ts` decides whether it may speak.
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { equalBytes, fromUtf8, view } from '../base/bytes.ts';
import { type Instant, instant } from '../base/clock.ts';
import { BoundedMap } from './bounded.ts';
import { hexDigest, spkiFingerprint } from './crypto.ts';
import { SecurityError } from './errors.ts';
import { sha256 } from './suites.ts';

export interface Certificate {
  readonly der: Uint8Array;
  /** SHA-256 of `der`, lower-case hex, as `openssl x509 -fingerprint -sha256` shows it. */
  readonly fingerprint: string;
  /** The subject on one line, for people and for comparing with an expected one: `CN=bob, O=Example`. */
  readonly subject: string;
  readonly issuer: string;
  /** The serial number, upper-case hex. */
  readonly serial: string;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  readonly key: KeyObject;
  /**
   * SHA-256 of the SubjectPublicKeyInfo, lower-case hex: the identity of the signer. The same for every certificate of the key, and for every spelling
   * of one certificate: anybody can turn the issuer's ECDSA signature (r, s) into (r, n-s), which changes `fingerprint`.
   */
  readonly keyFingerprint: string;
  /** Whether one of the subject alternative names is this host (wildcards as in RFC 6125) or address. */
  speaksFor(host: string): boolean;
  /** SHA-1 of `der`, the ThumbprintSHA1 of WSS 1.1: a hint for finding a certificate, never a proof. */
  thumbprint(): Uint8Array;
  /** The value of the subject key identifier extension (BSP R5208): a hint as well. */
  keyIdentifier(): Uint8Array | undefined;
}

/** PEM text (any number of certificates, other blocks are skipped), DER octets, or certificates already read. */
export type CertificateSource = string | Uint8Array | Certificate | readonly (string | Uint8Array | Certificate)[];

/** Largest certificate that is read, in octets (attack K12). */
const certificateLimit = 16_384;

const parsed = new BoundedMap<string, Certificate>(1_000);

/**
 * One certificate from its DER octets; the same octets give the same object while it is kept.
 *
 * @throws SecurityError `SECURITY_CERTIFICATE_MALFORMED`
 */
export function certificate(der: Uint8Array): Certificate {
  if (der.length > certificateLimit) {
    throw new SecurityError(
      'SECURITY_CERTIFICATE_MALFORMED',
      `A certificate of ${der.length} octets is larger than ${certificateLimit}.`,
    );
  }
  const fingerprint = hexDigest(sha256, der);
  const known = parsed.get(fingerprint);
  if (known !== undefined) return known;
  const fresh = parse(der, fingerprint);
  parsed.set(fingerprint, fresh);
  return fresh;
}

/**
 * Every certificate of a source, in its order.
 *
 * @throws SecurityError `SECURITY_CERTIFICATE_MALFORMED` also when there is none
 */
export function certificates(source: CertificateSource): readonly Certificate[] {
  if (isList(source)) return source.flatMap((one) => certificates(one));
  if (typeof source !== 'string' && !(source instanceof Uint8Array)) return [source];
  const text = typeof source === 'string' ? source : asPem(source);
  if (text === undefined) return [certificate(source as Uint8Array)];
  const found = pemBlocks(text, 'CERTIFICATE');
  if (found.length === 0) {
    throw new SecurityError('SECURITY_CERTIFICATE_MALFORMED', 'There is no CERTIFICATE block in the PEM text.');
  }
  return found.map((block) => certificate(block));
}

/** @throws SecurityError `SECURITY_CERTIFICATE_EXPIRED`, `SECURITY_CERTIFICATE_NOT_YET_VALID` */
export function requireValidity(subject: Certificate, at: Instant): void {
  if (at > subject.notAfter) {
    const when = new Date(subject.notAfter).toISOString();
    throw new SecurityError('SECURITY_CERTIFICATE_EXPIRED', `The certificate of ${subject.subject} expired ${when}.`);
  }
  if (at < subject.notBefore) {
    const when = new Date(subject.notBefore).toISOString();
    throw new SecurityError(
      'SECURITY_CERTIFICATE_NOT_YET_VALID',
      `The certificate of ${subject.subject} is valid from ${when}.`,
    );
  }
}

/** The octets of every PEM block of one label. */
export function pemBlocks(text: string, label: string): readonly Uint8Array[] {
  const begin = `-----BEGIN ${label}-----`;
  const end = `-----END ${label}-----`;
  const blocks: Uint8Array[] = [];
  for (let at = text.indexOf(begin); at !== -1; ) {
    const stop = text.indexOf(end, at);
    if (stop === -1) break;
    blocks.push(Buffer.from(text.slice(at + begin.length, stop), 'base64'));
    at = text.indexOf(begin, stop);
  }
  return blocks;
}

/** The text when the octets are PEM, `undefined` when they are DER. */
export function asPem(octets: Uint8Array): string | undefined {
  return view(octets).includes('-----BEGIN ') ? fromUtf8(octets) : undefined;
}

function isList(source: CertificateSource): source is readonly (string | Uint8Array | Certificate)[] {
  return Array.isArray(source);
}

function parse(der: Uint8Array, fingerprint: string): Certificate {
  try {
    const x509 = new X509Certificate(der);
    const octets = new Uint8Array(x509.raw);
    if (!equalBytes(octets, der)) {
      throw new SecurityError('SECURITY_CERTIFICATE_MALFORMED', 'The octets are not DER, or others follow.');
    }
    const key = x509.publicKey;
    return Object.freeze({
      der: octets,
      fingerprint,
      subject: oneLine(x509.subject),
      issuer: oneLine(x509.issuer),
      serial: x509.serialNumber,
      notBefore: instant(x509.validFromDate.getTime()),
      notAfter: instant(x509.validToDate.getTime()),
      key,
      keyFingerprint: spkiFingerprint(key),
      speaksFor: (host: string) =>
        (address.test(host) ? x509.checkIP(host) : x509.checkHost(host, { subject: 'never' })) !== undefined,
      thumbprint: () => Buffer.from(x509.fingerprint.replaceAll(':', ''), 'hex'),
      keyIdentifier: () => keyIdentifierOf(octets),
    });
  } catch (cause) {
    throw new SecurityError('SECURITY_CERTIFICATE_MALFORMED', 'The octets are not an X.509 certificate.', { cause });
  }
}

/** What is an IP address rather than a DNS name. */
const address = /^[\d.]+$|:/;

function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}

/** The OCTET STRING inside the extension's octets; extensions are DER, so the identifier is where its OID is. */
function keyIdentifierOf(der: Uint8Array): Uint8Array | undefined {
  const at = view(der).indexOf(subjectKeyIdentifierOid);
  const outer = at + subjectKeyIdentifierOid.length;
  const [octetString, length] = [der[outer + 2], der[outer + 3]];
  if (at === -1 || der[outer] !== 0x04 || octetString !== 0x04 || length === undefined || length > 64) return undefined;
  return der.slice(outer + 4, outer + 4 + length);
}

const subjectKeyIdentifierOid = Buffer.from('0603551d0e', 'hex');
