/**
 * Online certificate status (RFC 6960) as values: a response that was given beforehand (stapled, cached) or that a port fetches.
 * PKI.js reads and verifies; what makes a response count stands here: about this very certificate, signed by its issuer or by whom
 * the issuer named for that, with an algorithm of today, current, and an answer to our question where we asked one.
 */
import { X509Certificate } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { equalBytes } from '../base/bytes.ts';
import { type Instant, instant, later } from '../base/clock.ts';
import { type Random, systemRandom } from '../base/random.ts';
import { SecurityError } from './errors.ts';

export interface OcspOptions {
  /** Responses, DER. One that is stale or about another certificate counts for nothing. */
  readonly responses?: readonly Uint8Array[];
  /**
   * Asks a responder: the request in DER (RFC 6960 appendix A.1: POST as application/ocsp-request). Where the request goes is the
   * caller's to decide; no address of a certificate is ever followed.
   *
   * @param subject of the certificate in question, DER
   */
  fetch?(request: Uint8Array, subject: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** `required`: a response has to repeat the request's nonce. `if-present` (default): one that is there has to be that. */
  readonly nonce?: 'required' | 'if-present';
  /** How old a response may be that does not say when the next is due, in milliseconds. Default 24 hours. */
  readonly age?: number;
  /** How far clocks may differ, in milliseconds. Default 5 minutes. */
  readonly skew?: number;
  /** How long to wait for one response, in milliseconds. Default 10 seconds. */
  readonly timeout?: number;
  /** For nonces. Default: that of the platform. */
  readonly random?: Random;
}

/** Whether a certificate is revoked, and until when the answer holds. */
type OcspStatus =
  | { readonly kind: 'good'; readonly until: Instant }
  | { readonly kind: 'revoked' }
  /** Nothing that counts says anything. */
  | { readonly kind: 'silent' };

/** Octets of the largest response that is read. */
export const ocspLimit = 65_536;

const day = 86_400_000;
const fiveMinutes = 300_000;
const oid = Object.freeze({
  basic: '1.3.6.1.5.5.7.48.1.1',
  nonce: '1.3.6.1.5.5.7.48.1.2',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
  extendedKeyUsage: '2.5.29.37',
});
/** RSA and ECDSA over SHA-256, 384 and 512, and RSASSA-PSS, which names its hash in its parameters. */
const signatureAlgorithms: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.10',
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
]);
/** Hashes by which a response names its certificate: nobody has to find a collision here. */
const nameHashes: ReadonlyMap<string, string> = new Map([
  ['1.3.14.3.2.26', 'SHA-1'],
  ['2.16.840.1.101.3.4.2.1', 'SHA-256'],
]);

export type OcspChecker = (subject: pkijs.Certificate, issuer: pkijs.Certificate, at: Instant) => Promise<OcspStatus>;

/**
 * @returns asks the responses that were given, then the port
 * @throws SecurityError `SECURITY_CERTIFICATE_REVOCATION` (from the checker) when the port fails, or answers with nothing that
 *   counts; transient when trying again may help
 */
export function ocspChecker(options: OcspOptions): OcspChecker {
  return async (subject, issuer, at) => {
    for (const response of options.responses ?? []) {
      const status = await read(response, { subject, issuer, at, options, nonce: undefined }).catch(() => silent);
      if (status.kind !== 'silent') return status;
    }
    if (options.fetch === undefined) return silent;
    const nonce = (options.random ?? systemRandom).bytes(16);
    const request = await requestFor(subject, issuer, nonce);
    const response = await fetched(options, request, subject);
    const status = await read(response, { subject, issuer, at, options, nonce }).catch((cause: unknown) => {
      throw cause instanceof SecurityError ? cause : unusable('it is malformed', cause);
    });
    if (status.kind === 'silent') throw unusable('it is about another certificate, or not current');
    return status;
  };
}

const silent: OcspStatus = Object.freeze({ kind: 'silent' });

interface Question {
  readonly subject: pkijs.Certificate;
  readonly issuer: pkijs.Certificate;
  readonly at: Instant;
  readonly options: OcspOptions;
  readonly nonce: Uint8Array | undefined;
}

async function requestFor(
  subject: pkijs.Certificate,
  issuer: pkijs.Certificate,
  nonce: Uint8Array,
): Promise<Uint8Array> {
  const request = new pkijs.OCSPRequest();
  await request.createForCertificate(subject, { hashAlgorithm: 'SHA-1', issuerCertificate: issuer });
  const value = new asn1js.OctetString({ valueHex: Uint8Array.from(nonce).buffer });
  request.tbsRequest.requestExtensions = [new pkijs.Extension({ extnID: oid.nonce, extnValue: value.toBER() })];
  return new Uint8Array(request.toSchema(true).toBER());
}

async function fetched(options: OcspOptions, request: Uint8Array, subject: pkijs.Certificate): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(options.timeout ?? 10_000);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    const asked = options.fetch?.(request, new Uint8Array(subject.toSchema(false).toBER()), signal);
    return await Promise.race([asked ?? late, late]);
  } catch (cause) {
    throw new SecurityError('SECURITY_CERTIFICATE_REVOCATION', 'The OCSP responder did not answer.', {
      cause,
      transient: true,
    });
  }
}

async function read(der: Uint8Array, question: Question): Promise<OcspStatus> {
  const basic = parse(der);
  await requireSigner(basic, question);
  requireNonce(basic, question);
  const { subject, issuer, at, options } = question;
  const { age = day, skew = fiveMinutes } = options;
  if (basic.tbsResponseData.producedAt.getTime() > at + skew) return silent;
  let found: OcspStatus = silent;
  for (const one of basic.tbsResponseData.responses) {
    const hashAlgorithm = nameHashes.get(one.certID.hashAlgorithm.algorithmId);
    if (hashAlgorithm === undefined) continue;
    const wanted = new pkijs.CertID();
    await wanted.createForCertificate(subject, { hashAlgorithm, issuerCertificate: issuer });
    if (!one.certID.isEqual(wanted)) continue;
    // Once revoked, always revoked: an old response says so as well as a new one.
    const tag = one.certStatus?.idBlock?.tagNumber as number | undefined;
    if (tag === 1) return { kind: 'revoked' };
    const from = one.thisUpdate.getTime();
    const until = one.nextUpdate?.getTime() ?? from + age;
    if (tag === 0 && from <= at + skew && at < until) found = { kind: 'good', until: instant(until) };
  }
  return found;
}

function parse(der: Uint8Array): pkijs.BasicOCSPResponse {
  if (der.length > ocspLimit) throw unusable('it is too large');
  try {
    const response = pkijs.OCSPResponse.fromBER(Uint8Array.from(der));
    const { responseStatus, responseBytes } = response;
    if (responseStatus.valueBlock.valueDec !== 0 || responseBytes?.responseType !== oid.basic) {
      throw new RangeError(`status ${responseStatus.valueBlock.valueDec}`);
    }
    return pkijs.BasicOCSPResponse.fromBER(responseBytes.response.valueBlock.valueHexView.slice());
  } catch (cause) {
    throw unusable('it is malformed, or the responder refused', cause);
  }
}

/** The issuer itself, or a certificate that it issued for signing such responses (RFC 6960 section 4.2.2.2). */
async function requireSigner(basic: pkijs.BasicOCSPResponse, { issuer, at, options }: Question): Promise<void> {
  if (!signatureAlgorithms.has(basic.signatureAlgorithm.algorithmId)) throw unusable('its signature algorithm is weak');
  const delegates = (basic.certs ?? [])
    .slice(0, 4)
    .filter((one) => isDelegate(one, issuer, at, options.skew ?? fiveMinutes));
  for (const signer of [issuer, ...delegates]) {
    const { tbsResponseData, signature, signatureAlgorithm } = basic;
    const good = await pkijs
      .getCrypto(true)
      .verifyWithPublicKey(tbsResponseData.tbsView.slice(), signature, signer.subjectPublicKeyInfo, signatureAlgorithm)
      .catch(() => false);
    if (good) return;
  }
  throw unusable('neither the issuer nor a responder of its own signed it');
}

function isDelegate(one: pkijs.Certificate, issuer: pkijs.Certificate, at: Instant, skew: number): boolean {
  const extended = one.extensions?.find((extension) => extension.extnID === oid.extendedKeyUsage)?.parsedValue;
  const named = extended instanceof pkijs.ExtKeyUsage && extended.keyPurposes.includes(oid.ocspSigning);
  const begins = one.notBefore.value.getTime();
  const ends = one.notAfter.value.getTime();
  if (!named || begins > later(at, skew) || ends < at) return false;
  try {
    const [own, above] = [one, issuer].map((each) => new X509Certificate(Buffer.from(each.toSchema(false).toBER())));
    return own !== undefined && above !== undefined && own.checkIssued(above) && own.verify(above.publicKey);
  } catch {
    return false;
  }
}

function requireNonce(basic: pkijs.BasicOCSPResponse, { nonce, options }: Question): void {
  if (nonce === undefined) return;
  const found = basic.tbsResponseData.responseExtensions?.find((one) => one.extnID === oid.nonce);
  if (found === undefined && options.nonce !== 'required') return;
  const wrapped = found && asn1js.fromBER(found.extnValue.valueBlock.valueHexView.slice()).result;
  const answered = wrapped instanceof asn1js.OctetString ? wrapped.valueBlock.valueHexView : new Uint8Array();
  if (!equalBytes(answered, nonce)) throw unusable('it answers another request');
}

function unusable(why: string, cause?: unknown): SecurityError {
  return new SecurityError('SECURITY_CERTIFICATE_REVOCATION', `An OCSP response does not count: ${why}.`, { cause });
}
