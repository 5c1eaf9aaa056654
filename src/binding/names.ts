/** The names of WCF's bindings, authentication modes and credential types, as its configurations write them. */

export type SystemBindingKind =
  | 'basicHttpBinding'
  | 'basicHttpsBinding'
  | 'wsHttpBinding'
  | 'ws2007HttpBinding'
  | 'wsDualHttpBinding'
  | 'wsFederationHttpBinding'
  | 'ws2007FederationHttpBinding'
  | 'netHttpBinding'
  | 'netHttpsBinding';
export type BindingKind = SystemBindingKind | 'customBinding';

export type AuthenticationModeName =
  | 'UserNameOverTransport'
  | 'CertificateOverTransport'
  | 'IssuedTokenOverTransport'
  | 'KerberosOverTransport'
  | 'SspiNegotiatedOverTransport'
  | 'MutualCertificate'
  | 'MutualCertificateDuplex'
  | 'AnonymousForCertificate'
  | 'UserNameForCertificate'
  | 'IssuedTokenForCertificate'
  | 'IssuedToken'
  | 'Kerberos'
  | 'AnonymousForSslNegotiated'
  | 'MutualSslNegotiated'
  | 'UserNameForSslNegotiated'
  | 'IssuedTokenForSslNegotiated'
  | 'SspiNegotiated'
  | 'SecureConversation';

export type ReadonlyModes<T> = Readonly<Record<AuthenticationModeName, T>>;

/** What a client shows in message security (`message/@clientCredentialType`). */
export type MessageCredentialType = 'None' | 'Windows' | 'UserName' | 'Certificate' | 'IssuedToken';

/** What a client shows in HTTP and TLS (`transport/@clientCredentialType`). */
export type TransportCredentialType =
  | 'None'
  | 'Basic'
  | 'Digest'
  | 'Ntlm'
  | 'Windows'
  | 'Certificate'
  | 'InheritedFromHost';

export type SecurityMode =
  | 'None'
  | 'Transport'
  | 'Message'
  | 'TransportWithMessageCredential'
  | 'TransportCredentialOnly';

interface ModesOfCredential {
  /** TransportWithMessageCredential; absent where WCF refuses it. */
  readonly transport: AuthenticationModeName | undefined;
  /** Message with `negotiateServiceCredential`, and without. */
  readonly negotiated: AuthenticationModeName;
  readonly direct: AuthenticationModeName;
}

/** Which mode authenticates the first message, by the credential's type. */
export const modesOfCredential: Readonly<Record<MessageCredentialType, ModesOfCredential>> = Object.freeze({
  None: { transport: undefined, negotiated: 'AnonymousForSslNegotiated', direct: 'AnonymousForCertificate' },
  UserName: {
    transport: 'UserNameOverTransport',
    negotiated: 'UserNameForSslNegotiated',
    direct: 'UserNameForCertificate',
  },
  Certificate: {
    transport: 'CertificateOverTransport',
    negotiated: 'MutualSslNegotiated',
    direct: 'MutualCertificate',
  },
  Windows: { transport: 'SspiNegotiatedOverTransport', negotiated: 'SspiNegotiated', direct: 'Kerberos' },
  IssuedToken: {
    transport: 'IssuedTokenOverTransport',
    negotiated: 'IssuedTokenForSslNegotiated',
    direct: 'IssuedTokenForCertificate',
  },
});
