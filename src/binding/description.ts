/**
 * What a binding is on the wire, as plain data without any secret: the middle that system-provided bindings, WCF's
 * configurations and WSDL policies are read into, and that bindings, policies and plain words are made from.
 */
import type { ReliableVersion } from '../reliable/versions/version.ts';
import type { OutsideReference } from '../security/tokens/x509.ts';
import type { AddressingVersion } from '../soap/addressing-versions.ts';
import type { SoapVersion } from '../soap/version.ts';
import type { AuthenticationModeName, BindingKind } from './names.ts';
import type { MessageSecurityVersion } from './security-versions.ts';

export interface TransportDescription {
  /** `dual`: two HTTP connections, one from each end. `fetched`: answers wait until the client asks for them (MakeConnection). */
  readonly kind: 'http' | 'websocket' | 'dual' | 'fetched';
  readonly tls: boolean;
  /** Whether the client shows a certificate in TLS. */
  readonly clientCertificate: boolean;
}

export interface EncodingDescription {
  readonly kind: 'Text' | 'Mtom' | 'Binary';
  readonly soap: SoapVersion;
  /** Absent: messages have no addressing, and nothing above HTTP finds its answer. */
  readonly addressing: AddressingVersion | undefined;
}

/** Times in milliseconds. */
export interface ReliableDescription {
  readonly version: ReliableVersion;
  readonly ordered: boolean;
  readonly inactivityTimeout: number;
  readonly acknowledgementInterval: number;
  readonly flowControlEnabled: boolean;
  readonly maxPendingChannels: number;
  readonly maxRetryCount: number;
  readonly maxTransferWindowSize: number;
}

/** As WCF's ReliableSessionBindingElement has them. */
export const defaultReliable: Omit<ReliableDescription, 'version'> = Object.freeze({
  ordered: true,
  inactivityTimeout: 600_000,
  acknowledgementInterval: 200,
  flowControlEnabled: true,
  maxPendingChannels: 4,
  maxRetryCount: 8,
  maxTransferWindowSize: 8,
});

export type ProtectionOrderName = 'SignBeforeEncryptAndEncryptSignature' | 'SignBeforeEncrypt' | 'EncryptBeforeSign';

/** What names a certificate that is not in the message. */
export type CertificateReference = OutsideReference;

/**
 * How certificates are named where a policy says so (IncludeToken, Require…Reference); what is absent is as always: the signer's is in the
 * message, and the reader's is named by its thumbprint, or in the asymmetric binding by its key identifier.
 */
export interface CertificateReferences {
  /** The client's, in what it signs, which does not bring it. */
  readonly client?: CertificateReference | undefined;
  /** The service's, in what it signs, which does not bring it. */
  readonly service?: CertificateReference | undefined;
  /** The service's, in what is encrypted for it. */
  readonly reader?: CertificateReference | undefined;
}

export interface SecurityDescription {
  readonly mode: AuthenticationModeName;
  readonly versions: MessageSecurityVersion;
  /** Name of the algorithm suite, as WS-SecurityPolicy has it. */
  readonly suite: string;
  readonly layout: 'Strict' | 'Lax';
  readonly protectionOrder: ProtectionOrderName;
  readonly derivedKeys: boolean;
  readonly confirmSignatures: boolean;
  readonly protectTokens: boolean;
  /** `Sign`: nothing is encrypted (WCF's ProtectionLevel of a contract). */
  readonly protection: 'Sign' | 'EncryptAndSign';
  /** Whether the key in an issued token has to be shown, or the token alone will do. */
  readonly confirmation: 'holder-of-key' | 'bearer';
  /** Whether a password goes as a digest with Nonce and Created only (HashPassword, Created, Nonce of a UsernameToken assertion). */
  readonly passwordDigest: boolean;
  readonly references?: CertificateReferences;
  /** SecureConversation: whether the client cancels its token when it closes. */
  readonly requireCancellation: boolean;
  /** SecureConversation: whether further credentials of the client may be added to its token. */
  readonly amendment: boolean;
  /** SecureConversation: what protects the request for the token. */
  readonly bootstrap: SecurityDescription | undefined;
}

/** Times in milliseconds, sizes in octets. */
export interface LimitsDescription {
  readonly openTimeout: number;
  readonly closeTimeout: number;
  readonly sendTimeout: number;
  readonly receiveTimeout: number;
  readonly maxReceivedMessageSize: number;
}

export interface BindingDescription {
  readonly kind: BindingKind;
  readonly transport: TransportDescription;
  readonly encoding: EncodingDescription;
  readonly reliableSession: ReliableDescription | undefined;
  readonly security: SecurityDescription | undefined;
  readonly limits: LimitsDescription;
}
