/**
 * What can go wrong with the security of a message. The code and the sentence stay at home: on the wire all of these
 * look alike (see `faults.ts`).
 */
import { SurewireError, type SurewireErrorOptions } from '../base/errors.ts';

/** What to do about each failure; the error's message ends with it. */
const advice = {
  /** Options of a security policy that contradict one another or cannot be used. */
  SECURITY_POLICY: 'Correct the options of the security policy.',
  /** A message without a Security header for this end. */
  SECURITY_MISSING: 'Let the sender secure every message of this endpoint, replies and faults included.',
  /** A Security header, signature or reference of a shape that is not allowed. */
  SECURITY_MALFORMED: 'Compare the wsse:Security header with WSS 1.0/1.1 and Basic Security Profile 1.1.',
  /** A token, reference or protection that this policy does not know. */
  SECURITY_UNSUPPORTED: 'Agree with the sender on tokens and protections that this policy knows.',
  /** More signatures, tokens, references or transforms, or a larger certificate, than is allowed. */
  SECURITY_LIMIT: 'A message of this shape is refused before any cryptography; no ordinary sender makes one.',
  /** Two elements of the message carry one id. */
  SECURITY_DUPLICATE_ID: 'Every id has to be unique in the envelope; this may be a wrapping attack.',
  /** A reference to nothing, or to something that stands where it must not be used. */
  SECURITY_REFERENCE: 'Sign whole header blocks, the Body and children of this Security header, by #id.',
  /** An algorithm that the policy does not allow. */
  SECURITY_ALGORITHM: 'Let the sender use an algorithm of the policy, or add its row to the policy.',
  /** A key that cannot be read, is too weak, or is not of the kind that the algorithm asks for. */
  SECURITY_KEY:
    'See that it is the key that the other end means, of the kind that the algorithm asks for: RSA of 2048 bits or more, or P-256, P-384, P-521.',
  /** The certificate that the signature names is neither in the message nor known here. */
  SECURITY_TOKEN:
    'Let the sender include its certificate as a BinarySecurityToken, or make the certificate known here.',
  /** The signature value does not fit what was signed. */
  SECURITY_SIGNATURE: 'The message was changed on the way or signed with another key; look for what rewrites it.',
  /** The digest of a part does not fit the part. */
  SECURITY_DIGEST: 'The part was changed after it was signed; look for what rewrites it.',
  /** An encrypted part that does not give what was encrypted; what was wrong with it is not told apart. */
  SECURITY_DECRYPTION: 'See the cause, and agree with the sender on keys and algorithms.',
  /** A part that has to be encrypted is not. */
  SECURITY_UNENCRYPTED: 'Let the sender encrypt this part as the policy says.',
  /** A reply that does not confirm the signatures of its request, each once. */
  SECURITY_CONFIRMATION:
    'Let the service confirm signatures (wsse11:SignatureConfirmation); else somebody changed the request.',
  /** A part that has to be signed is not. */
  SECURITY_UNSIGNED: 'Let the sender cover this part with the same signature as the Body.',
  /** A mustUnderstand header that is not signed, so that it cannot be handed upward. */
  SECURITY_NOT_UNDERSTOOD: 'Let the sender sign the header, or not mark it mustUnderstand.',
  /** A security context that is not known here: cancelled, forgotten, or never issued. */
  SECURITY_CONTEXT: 'Let the peer ask for a new security context.',
  /** A message that this end has signed itself came back to it. */
  SECURITY_REFLECTED: 'Give each end its own key; a shared one lets a message be sent back to its author.',
  /** Octets that are no X.509 certificate. */
  SECURITY_CERTIFICATE_MALFORMED: 'Check that the file or token holds an X.509 certificate in DER or PEM.',
  /** No path from the certificate to an anchor. */
  SECURITY_CERTIFICATE_UNTRUSTED: 'Add the issuing CA to the anchors (and what is between to the intermediates).',
  /** A certificate of the path is expired. */
  SECURITY_CERTIFICATE_EXPIRED: 'Renew the certificate, or correct the clock of this machine.',
  /** A certificate of the path is not valid yet. */
  SECURITY_CERTIFICATE_NOT_YET_VALID: 'Wait until it is valid, or correct the clock of this machine.',
  /** A certificate of the path is on the revocation list of its issuer. */
  SECURITY_CERTIFICATE_REVOKED: 'Its issuer has revoked it: replace the key and the certificate.',
  /** There is no current revocation list where one is demanded. */
  SECURITY_CERTIFICATE_REVOCATION: 'Load a current revocation list of the issuer.',
  /** The certificate may not be used for this. */
  SECURITY_CERTIFICATE_USAGE: 'Issue a certificate with keyUsage digitalSignature and the extended usages asked for.',
  /** The certificate is trusted, but is not that of the expected peer. */
  SECURITY_CERTIFICATE_NAME: 'Check which peer this endpoint is talking to, or correct the expected name.',
  /** A message without a Timestamp. */
  SECURITY_TIMESTAMP_MISSING: 'Let the sender include a wsu:Timestamp.',
  /** A Timestamp that cannot be read. */
  SECURITY_TIMESTAMP_INVALID: 'Created and Expires have to be xs:dateTime in UTC, once each, Created first.',
  /** The message is too old. */
  SECURITY_TIMESTAMP_EXPIRED: 'Synchronize the clocks of both ends (NTP), or find what delays the message.',
  /** The message is from the future, beyond the allowed clock skew. */
  SECURITY_TIMESTAMP_FUTURE: 'Synchronize the clocks of both ends (NTP).',
  /** The Timestamp wants to be valid for longer than the policy allows. */
  SECURITY_TIMESTAMP_LIFETIME: 'Let the sender shorten the lifetime, or raise it in the policy.',
  /** The message was received before, octet for octet or in what identifies it. */
  SECURITY_REPLAY: 'Nothing to do for a resent copy; a retransmission has to be secured anew.',
  /** The replay cache is full, so that nothing can be proved fresh. */
  SECURITY_REPLAY_FULL: 'Raise the size of the replay cache or shorten the lifetime of messages.',
  /** User name and password do not belong together. */
  SECURITY_CREDENTIALS: 'Check the user name and the password.',
  /** The policy needs TLS below, and there is none. */
  SECURITY_TRANSPORT: 'Use HTTPS: this policy leaves confidentiality to the transport.',
  /** An assertion or JSON Web Token whose shape, signature, issuer, audience or content is not accepted. */
  SECURITY_TOKEN_INVALID: 'Compare the token with what the policy says of its issuer, audience and content.',
  /** An assertion or JSON Web Token that is not valid yet, or no more, or for longer than is allowed. */
  SECURITY_TOKEN_EXPIRED: 'Let the sender get a new token, or synchronize the clocks (NTP).',
  /** Nothing shows that the sender may use the assertion: no proof of its key, no trusted attester, no protection. */
  SECURITY_TOKEN_CONFIRMATION:
    'Let the sender sign with the key of the assertion, or use a method that the policy takes.',
  /** The peer answered with a fault that nothing proves to be its own. */
  SECURITY_UNSECURED_FAULT:
    'Read the diagnostics of the peer; the text of an unprotected fault proves nothing. Whether the message was taken is unknown: a copy of it may have come first.',
  /** A defect: something that nobody foresaw. */
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
