/** What can go wrong while the development PKI is made. Every message says what to do about it. */
import { SurewireError } from '../base/errors.ts';

export type CertificatesErrorCode =
  /** The configuration file is not there, not readable or not JSON. */
  | 'CERTIFICATES_CONFIGURATION_UNREADABLE'
  /** The validity is no whole number of days in range. */
  | 'CERTIFICATES_DAYS_INVALID'
  /** The folder holds files of somebody else, or files that do not belong together. */
  | 'CERTIFICATES_FOLDER_MIXED'
  /** The folder cannot be made, read or written. */
  | 'CERTIFICATES_FOLDER_UNWRITABLE'
  /** A host is neither a DNS name nor an IP address. */
  | 'CERTIFICATES_HOST_INVALID'
  /** A private key in the folder cannot be read. */
  | 'CERTIFICATES_KEY_UNREADABLE'
  /** Another setting is unknown or out of range. */
  | 'CERTIFICATES_SETTING_INVALID';

export class CertificatesError extends SurewireError<CertificatesErrorCode> {}
