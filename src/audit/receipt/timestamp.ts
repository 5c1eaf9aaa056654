/**
 * Time stamps (RFC 3161): a third party says that something existed at a time. PKI.js reads and verifies; what makes a time stamp
 * count stands here: over these octets, under a digest of today, signed by a certificate that is meant for time stamps and that
 * the caller's trust accepts at that time.
 */
import { hash } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { type Instant, instant } from '../../base/clock.ts';
import { asError } from '../../base/errors.ts';
import { type Random, systemRandom } from '../../base/random.ts';
import { type Certificate, certificate } from '../../security/certificates.ts';
import type { Trust } from '../../security/trust.ts';
import { AuditError } from '../errors.ts';

const sha256 = '2.16.840.1.101.3.4.2.1';
const tstInfo = '1.2.840.113549.1.9.16.1.4';
const timeStamping = '1.3.6.1.5.5.7.3.8';
/** Octets of an answer that is read. */
export const largestTimestamp = 65_536;

export interface TimestampOptions {
  /**
   * Asks the authority: the request in DER (RFC 3161 section 3.4: POST as application/timestamp-query); its answer in DER.
   */
  readonly fetch: (request: Uint8Array) => Promise<Uint8Array>;
  readonly random?: Random;
}

/**
 * Asks for a time stamp over octets.
 *
 * @returns the TimeStampToken, DER
 * @throws AuditError `AUDIT_TIMESTAMP` when the answer is a refusal or is not about the question
 */
export async function requestTimestamp(octets: Uint8Array, options: TimestampOptions): Promise<Uint8Array> {
  const { fetch, random = systemRandom } = options;
  const nonce = random.bytes(8);
  // A positive INTEGER without a leading zero.
  nonce[0] = ((nonce[0] ?? 0) & 0x7f) | 0x40;
  const request = new pkijs.TimeStampReq({
    version: 1,
    messageImprint: new pkijs.MessageImprint({
      hashAlgorithm: new pkijs.AlgorithmIdentifier({ algorithmId: sha256, algorithmParams: new asn1js.Null() }),
      hashedMessage: new asn1js.OctetString({ valueHex: Uint8Array.from(hash('sha256', octets, 'buffer')).buffer }),
    }),
    nonce: new asn1js.Integer({ valueHex: Uint8Array.from(nonce).buffer }),
    certReq: true,
  });
  const answer = await fetch(new Uint8Array(request.toSchema().toBER()));
  if (answer.length > largestTimestamp) throw refused('its answer is too long');
  let response: pkijs.TimeStampResp;
  try {
    response = pkijs.TimeStampResp.fromBER(Uint8Array.from(answer));
  } catch (thrown) {
    throw refused('its answer is no time stamp', asError(thrown));
  }
  const { status } = response.status;
  if ((status !== 0 && status !== 1) || response.timeStampToken === undefined)
    throw refused(`it says no (status ${status})`);
  const token = new Uint8Array(response.timeStampToken.toSchema().toBER());
  const { info } = parsed(token);
  requireImprint(info, octets);
  const echoed = info.nonce === undefined ? undefined : Buffer.from(info.nonce.valueBlock.valueHexView);
  if (echoed === undefined || !echoed.equals(Buffer.from(nonce))) throw refused('its answer is to another question');
  return token;
}

/** What a time stamp says. */
export interface Timestamp {
  readonly time: Instant;
  readonly authority: Certificate;
}

/**
 * Verifies a time stamp over octets.
 *
 * @param token TimeStampToken, DER
 * @throws AuditError `AUDIT_TIMESTAMP`; SecurityError `SECURITY_CERTIFICATE_…` when the authority is not accepted
 */
export async function verifyTimestamp(token: Uint8Array, octets: Uint8Array, trust: Trust): Promise<Timestamp> {
  if (token.length > largestTimestamp) throw refused('it is too long');
  const { info, signed, content } = parsed(token);
  requireImprint(info, octets);
  const found = signed.certificates?.filter((one) => one instanceof pkijs.Certificate) ?? [];
  let holds: boolean;
  let signer: pkijs.Certificate | undefined | null;
  try {
    const result = await signed.verify({
      signer: 0,
      data: Uint8Array.from(octets).buffer,
      extendedMode: true,
      checkChain: false,
    });
    holds = result.signatureVerified === true && content.length > 0;
    signer = result.signerCertificate;
  } catch (thrown) {
    throw refused('its signature does not hold', asError(thrown));
  }
  if (!holds || signer === undefined || signer === null) throw refused('its signature does not hold');
  const usage = signer.extensions?.find(({ extnID }) => extnID === '2.5.29.37');
  const purposes = usage?.parsedValue instanceof pkijs.ExtKeyUsage ? usage.parsedValue.keyPurposes : [];
  if (!purposes.includes(timeStamping) || purposes.length !== 1 || usage?.critical !== true) {
    throw refused('its certificate is not meant for time stamps alone');
  }
  const authority = certificate(new Uint8Array(signer.toSchema(false).toBER()));
  const time = instant(info.genTime.getTime());
  const others = found.map((one) => certificate(new Uint8Array(one.toSchema(false).toBER())));
  await trust.accept(authority, time, others);
  return { time, authority };
}

function parsed(token: Uint8Array): {
  readonly info: pkijs.TSTInfo;
  readonly signed: pkijs.SignedData;
  readonly content: Uint8Array;
} {
  try {
    const signed = new pkijs.SignedData({ schema: pkijs.ContentInfo.fromBER(Uint8Array.from(token)).content });
    const { eContent, eContentType } = signed.encapContentInfo;
    if (eContentType !== tstInfo || eContent === undefined) throw new Error('another content');
    const content = new Uint8Array(eContent.getValue());
    return { info: pkijs.TSTInfo.fromBER(content), signed, content };
  } catch (thrown) {
    throw refused('it cannot be read', asError(thrown));
  }
}

function requireImprint({ messageImprint }: pkijs.TSTInfo, octets: Uint8Array): void {
  const { hashAlgorithm, hashedMessage } = messageImprint;
  const imprint = Buffer.from(hashedMessage.valueBlock.valueHexView);
  if (hashAlgorithm.algorithmId === sha256 && imprint.equals(hash('sha256', octets, 'buffer'))) return;
  throw refused('it is about something else');
}

function refused(why: string, cause?: Error): AuditError {
  return new AuditError('AUDIT_TIMESTAMP', `The time stamp does not count: ${why}. Ask another authority, or again.`, {
    cause,
  });
}
