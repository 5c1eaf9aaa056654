/**
 * WCF's authentication modes as rows: who the client is, what proves the service, which WS-SecurityPolicy binding carries it,
 * and for the modes that are not spoken here what to use in their place.
 */
import type { AuthenticationModeName, ReadonlyModes } from './names.ts';

import type { MessageSecurityVersion } from './security-versions.ts';

/** How the initiator shows who it is. */
type ClientProof = 'none' | 'username' | 'certificate' | 'issued-token' | 'windows' | 'bootstrap';

export interface AuthenticationMode {
  readonly binding: 'transport' | 'symmetric' | 'asymmetric' | 'bootstrap';
  readonly client: ClientProof;
  /** Whether replies confirm the signatures of their requests unless a setting says otherwise. */
  readonly confirms: boolean;
  /** Present where surewire does not speak the mode: what to use. */
  readonly instead?: string;
}

const negotiated = (what: string): string =>
  `It negotiates the service's certificate in SOAP (TLSNEGO). Use ${what}: negotiateServiceCredential: false, and give the certificate as \`peer\`.`;
const windows =
  'Windows credentials (SPNEGO, Kerberos) need a domain and are not spoken. Use UserName, Certificate or IssuedToken.';

function mode(
  binding: AuthenticationMode['binding'],
  client: ClientProof,
  confirms: boolean = false,
  instead?: string,
): AuthenticationMode {
  return Object.freeze({ binding, client, confirms, ...(instead === undefined ? {} : { instead }) });
}

export const authenticationModes: ReadonlyModes<AuthenticationMode> = Object.freeze({
  UserNameOverTransport: mode('transport', 'username'),
  CertificateOverTransport: mode('transport', 'certificate'),
  IssuedTokenOverTransport: mode('transport', 'issued-token'),
  KerberosOverTransport: mode('transport', 'windows', false, windows),
  SspiNegotiatedOverTransport: mode('transport', 'windows', false, windows),
  MutualCertificate: mode('symmetric', 'certificate', true),
  MutualCertificateDuplex: mode('asymmetric', 'certificate'),
  AnonymousForCertificate: mode('symmetric', 'none', true),
  UserNameForCertificate: mode('symmetric', 'username'),
  IssuedTokenForCertificate: mode('symmetric', 'issued-token', true),
  IssuedToken: mode('symmetric', 'issued-token', false, 'Use IssuedTokenForCertificate or IssuedTokenOverTransport.'),
  Kerberos: mode('symmetric', 'windows', false, windows),
  AnonymousForSslNegotiated: mode('symmetric', 'none', false, negotiated('AnonymousForCertificate')),
  MutualSslNegotiated: mode('symmetric', 'certificate', false, negotiated('MutualCertificate')),
  UserNameForSslNegotiated: mode('symmetric', 'username', false, negotiated('UserNameForCertificate')),
  IssuedTokenForSslNegotiated: mode('symmetric', 'issued-token', false, negotiated('IssuedTokenForCertificate')),
  SspiNegotiated: mode('symmetric', 'windows', false, windows),
  SecureConversation: mode('bootstrap', 'bootstrap'),
});

/** Whether both certificates sign and encrypt, instead of a secret under one of them: MutualCertificate did so before WSS 1.1. */
export function isAsymmetric(mode: AuthenticationModeName, { wss }: MessageSecurityVersion): boolean {
  return authenticationModes[mode].binding === 'asymmetric' || (mode === 'MutualCertificate' && wss === '1.0');
}
