/**
 * What can go wrong with the security of a message. The code and the sentence stay at home: on the wire all of these
 * look alike (see `faults.ts`).
 */
import { SurewireError, type SurewireErrorOptions } from '../base/errors.ts';

/** What to do about each failure; the error's message ends with it. */
const advice = {
  SECURITY_POLICY: 'Correct the options of the security policy.',
  SECURITY_MISSING: 'Let the sender secure every message of this endpoint, replies and faults included.',
  SECURITY_MALFORMED: 'Compare the wsse:Security header with WSS 1.0/1.1 and Basic Security Profile 1.1.',
  SECURITY_UNSUPPORTED: 'Agree with the sender on tokens and protections that this policy knows.',
  SECURITY_LIMIT: 'A message of this shape is refused before any cryptography; no ordinary sender makes one.',
  SECURITY_DUPLICATE_ID: 'Every id has to be unique in the envelope; this may be a wrapping attack.',
  SECURITY_REFERENCE: 'Sign whole header blocks, the Body and children of this Security header, by #id.',
  SECURITY_ALGORITHM: 'Let the sender use an algorithm of the policy, or add its row to the policy.',
  SECURITY_KEY: 'Use RSA of 2048 bits or more, or ECDSA on P-256, P-384 or P-521, of the kind the algorithm asks for.',
  SECURITY_TOKEN:
    'Let the sender include its certificate as a BinarySecurityToken, or make the certificate known here.',
  SECURITY_SIGNATURE: 'The message was changed on the way or signed with another key; look for what rewrites it.',
  SECURITY_DIGEST: 'The part was changed after it was signed; look for what rewrites it.',
  SECURITY_UNSIGNED: 'Let the sender cover this part with the same signature as the Body.',
  SECURITY_NOT_UNDERSTOOD: 'Let the sender sign the header, or not mark it mustUnderstand.',
  SECURITY_REFLECTED: 'Give each end its own key; a shared one lets a message be sent back to its author.',
  SECURITY_CERTIFICATE_MALFORMED: 'Check that the file or token holds an X.509 certificate in DER or PEM.',
  SECURITY_CERTIFICATE_UNTRUSTED: 'Add the issuing CA to the anchors (and what is between to the intermediates).',
  SECURITY_CERTIFICATE_EXPIRED: 'Renew the certificate, or correct the clock of this machine.',
  SECURITY_CERTIFICATE_NOT_YET_VALID: 'Wait until it is valid, or correct the clock of this machine.',
  SECURITY_CERTIFICATE_REVOKED: 'Its issuer has revoked it: replace the key and the certificate.',
  SECURITY_CERTIFICATE_REVOCATION: 'Load a current revocation list of the issuer.',
  SECURITY_CERTIFICATE_USAGE: 'Issue a certificate with keyUsage digitalSignature and the extended usages asked for.',
  SECURITY_CERTIFICATE_NAME: 'Check which peer this endpoint is talking to, or correct the expected name.',
  SECURITY_TIMESTAMP_MISSING: 'Let the sender include a wsu:Timestamp.',
  SECURITY_TIMESTAMP_INVALID: 'Created and Expires have to be xs:dateTime in UTC, once each, Created first.',
  SECURITY_TIMESTAMP_EXPIRED: 'Synchronize the clocks of both ends (NTP), or find what delays the message.',
  SECURITY_TIMESTAMP_FUTURE: 'Synchronize the clocks of both ends (NTP).',
  SECURITY_TIMESTAMP_LIFETIME: 'Let the sender shorten the lifetime, or raise it in the policy.',
  SECURITY_REPLAY: 'Nothing to do for a resent copy; a retransmission has to be secured anew.',
  SECURITY_REPLAY_FULL: 'Raise the size of the replay cache or shorten the lifetime of messages.',
  SECURITY_CREDENTIALS: 'Check the user name and the password.',
  SECURITY_TRANSPORT: 'Use HTTPS: this policy leaves confidentiality to the transport.',
  SECURITY_UNSECURED_FAULT: 'Read the diagnostics of the peer; the text of an unprotected fault proves nothing.',
  SECURITY_INTERNAL: 'This is a defect of surewire; the cause has the detail.',
} as const;

export type SecurityErrorCode = keyof typeof advice;

export class SecurityError extends SurewireError<SecurityErrorCode> {
  /** What happened, without the advice. */
  readonly what: string;

  /** @param what what happened, one sentence with its full stop; what to do is appended */
  constructor(code: SecurityErrorCode, what: string, options: SurewireErrorOptions = {}) {
    super(code, `${what} ${advice[code]}`, options);
    this.what = what;
  }
}

/** Every code, for documentation and tests. */
export const securityErrorCodes: readonly SecurityErrorCode[] = Object.freeze(
  Object.keys(advice) as SecurityErrorCode[],
);

/** Text of the other side made fit for an error message: printable, short, marked where it was cut. */
export function untrusted(text: string): string {
  const printable = text.slice(0, 120).replace(/[^\x20-\x7e\p{L}\p{N}\p{P}]/gu, '?');
  return text.length > 120 ? `${printable}…` : printable;
}
