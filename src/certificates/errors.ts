/** What can go wrong while the development PKI is made. Every message says what to do about it. */
import { SurewireError } from '../base/errors.ts';

/**
 * - `CERTIFICATES_CONFIGURATION_UNREADABLE`: the configuration file is not there, not readable or not JSON.
 * - `CERTIFICATES_DAYS_INVALID`: the validity is no whole number of days in range.
 * - `CERTIFICATES_FOLDER_MIXED`: the folder holds files of somebody else, or files that do not belong together.
 * - `CERTIFICATES_FOLDER_UNWRITABLE`: the folder cannot be made, read or written.
 * - `CERTIFICATES_HOST_INVALID`: a host is neither a DNS name nor an IP address.
 * - `CERTIFICATES_KEY_UNREADABLE`: a private key in the folder cannot be read.
 * - `CERTIFICATES_SETTING_INVALID`: another setting is unknown or out of range.
 */
export type CertificatesErrorCode =
  | 'CERTIFICATES_CONFIGURATION_UNREADABLE'
  | 'CERTIFICATES_DAYS_INVALID'
  | 'CERTIFICATES_FOLDER_MIXED'
  | 'CERTIFICATES_FOLDER_UNWRITABLE'
  | 'CERTIFICATES_HOST_INVALID'
  | 'CERTIFICATES_KEY_UNREADABLE'
  | 'CERTIFICATES_SETTING_INVALID';

export class CertificatesError extends SurewireError<CertificatesErrorCode> {}
