/** From what the security room refuses to the name that verification has for it. */
import { asError } from '../../base/errors.ts';
import { SecurityError, type SecurityErrorCode } from '../../security/errors.ts';
import { XmlError } from '../../xml/errors.ts';
import type { FindingCode } from './findings.ts';

/** Something that was found in one message. */
export interface Trouble {
  readonly code: FindingCode;
  readonly what: string;
}

const codes: Readonly<Partial<Record<SecurityErrorCode, FindingCode>>> = {
  SECURITY_SIGNATURE: 'signature-invalid',
  SECURITY_DIGEST: 'signature-digest-differs',
  SECURITY_TOKEN: 'signature-key-unknown',
  SECURITY_CONTEXT: 'signature-key-unknown',
  SECURITY_KEY: 'signature-weak',
  SECURITY_ALGORITHM: 'security-unsupported',
  SECURITY_UNSUPPORTED: 'security-unsupported',
  SECURITY_REFERENCE: 'coverage-moved',
  SECURITY_DECRYPTION: 'message-encrypted',
  SECURITY_CERTIFICATE_UNTRUSTED: 'certificate-untrusted',
  SECURITY_CERTIFICATE_NAME: 'certificate-untrusted',
  SECURITY_CERTIFICATE_EXPIRED: 'certificate-expired',
  SECURITY_CERTIFICATE_NOT_YET_VALID: 'certificate-not-yet-valid',
  SECURITY_CERTIFICATE_REVOKED: 'certificate-revoked',
  SECURITY_CERTIFICATE_REVOCATION: 'certificate-revocation-unknown',
  SECURITY_CERTIFICATE_USAGE: 'certificate-usage',
  SECURITY_TIMESTAMP_MISSING: 'coverage-timestamp',
};

/** @param otherwise what it is when it is nothing of the security room */
export function troubleOf(thrown: unknown, otherwise: FindingCode = 'security-malformed'): Trouble {
  if (thrown instanceof SecurityError) return { code: codes[thrown.code] ?? 'security-malformed', what: thrown.what };
  if (thrown instanceof XmlError) return { code: 'security-malformed', what: thrown.message };
  return { code: otherwise, what: asError(thrown).message };
}
