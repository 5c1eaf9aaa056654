/** The four security modes as values, with WCF's settings and the credentials beside them. */
import type { Credentials } from './credentials.ts';
import type { ProtectionOrderName } from './description.ts';
import type { MessageCredentialType, SecurityMode, TransportCredentialType } from './names.ts';

/** `<message …>` of a configuration. What is left out has the default of its binding. */
export interface MessageSettings {
  readonly clientCredentialType?: MessageCredentialType;
  /** Message mode: whether the service's certificate is asked for in SOAP. Default true in the ws bindings, as in WCF; not spoken here. */
  readonly negotiateServiceCredential?: boolean;
  /** Whether a security context token is asked for first and signs everything else. Default true in the ws bindings. */
  readonly establishSecurityContext?: boolean;
  /** Default `Basic256`, as in WCF; its SHA-1 has to be taken by `unsafe: [unsafeSuiteSha1]`. `Basic256Sha256` has none. */
  readonly algorithmSuite?: string;
  /** Whether the token itself proves its sender (`BearerKey`), or the key in it. Default `SymmetricKey`. */
  readonly issuedKeyType?: 'SymmetricKey' | 'AsymmetricKey' | 'BearerKey';
  /** What WCF says in a contract (ProtectionLevel). Default `EncryptAndSign`; `Sign` is spoken with MutualCertificate of WSS 1.0. */
  readonly protectionLevel?: 'Sign' | 'EncryptAndSign';
  /** Default `SignBeforeEncryptAndEncryptSignature`. */
  readonly messageProtectionOrder?: ProtectionOrderName;
}

export interface BindingSecurity {
  readonly mode: SecurityMode;
  readonly transport?: { readonly clientCredentialType?: TransportCredentialType };
  readonly message?: MessageSettings;
  readonly credentials: Credentials;
}

/** Neither TLS nor message security. Anybody on the way reads and changes everything. */
export const noSecurity: BindingSecurity = Object.freeze({ mode: 'None', credentials: {} });

/**
 * HTTPS and nothing else.
 *
 * @param options.clientCredentialType `Certificate` asks the client for a certificate in TLS, `None` does not
 */
export function transportSecurity(
  options: { readonly clientCredentialType?: TransportCredentialType } = {},
): BindingSecurity {
  return Object.freeze({ mode: 'Transport', transport: options, credentials: {} });
}

/**
 * Messages are signed and encrypted, whatever carries them.
 *
 * @example
 * messageSecurity({ clientCredentialType: 'Certificate', negotiateServiceCredential: false, algorithmSuite: 'Basic256Sha256', key, peer })
 */
export function messageSecurity(options: MessageSettings & Credentials): BindingSecurity {
  return { mode: 'Message', ...settings(options) };
}

/**
 * HTTPS protects the messages, and a credential in each says who sent it.
 *
 * @example transportWithMessageCredential({ clientCredentialType: 'UserName', username: { user: 'alice', password, form: 'text' } })
 */
export function transportWithMessageCredential(options: MessageSettings & Credentials): BindingSecurity {
  return { mode: 'TransportWithMessageCredential', ...settings(options) };
}

function settings(options: MessageSettings & Credentials): Pick<BindingSecurity, 'message' | 'credentials'> {
  const {
    clientCredentialType,
    negotiateServiceCredential,
    establishSecurityContext,
    algorithmSuite,
    issuedKeyType,
    messageProtectionOrder,
    protectionLevel,
    ...credentials
  } = options;
  const message = {
    clientCredentialType,
    negotiateServiceCredential,
    establishSecurityContext,
    algorithmSuite,
    issuedKeyType,
    messageProtectionOrder,
    protectionLevel,
  };
  return { message: message as MessageSettings, credentials };
}
