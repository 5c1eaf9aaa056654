/** Namespaces of WSDL, WS-Policy and the assertions, spelled once; versions of WS-SecurityPolicy and WS-Policy as rows. */

export const wsdl = 'http://schemas.xmlsoap.org/wsdl/';
export const soapHttp = 'http://schemas.xmlsoap.org/soap/http';
/** The same, as the SOAP 1.2 binding names itself; what JAX-WS writes. */
export const soap12Http = 'http://www.w3.org/2003/05/soap/bindings/HTTP/';
/** How SOAP over WebSocket names itself (WCF's NetHttpBinding). */
export const soapWebSocket = 'http://schemas.microsoft.com/soap/websocket';
export const xs = 'http://www.w3.org/2001/XMLSchema';
export const wsu = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const wsp12 = 'http://schemas.xmlsoap.org/ws/2004/09/policy';
const wsp15 = 'http://www.w3.org/ns/ws-policy';
/** Actions in a WSDL: of WS-Addressing 1.0 as a candidate (WCF) and as a recommendation (JAX-WS). */
export const wsaw = 'http://www.w3.org/2006/05/addressing/wsdl';
export const wsam = 'http://www.w3.org/2007/05/addressing/metadata';
export const wsap200408 = 'http://schemas.xmlsoap.org/ws/2004/08/addressing/policy';
export const sp11 = 'http://schemas.xmlsoap.org/ws/2005/07/securitypolicy';
export const sp12 = 'http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702';
/** What WS-SecurityPolicy 1.3 adds to 1.2. */
export const sp13 = 'http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200802';
export const mssp = 'http://schemas.microsoft.com/ws/2005/07/securitypolicy';
export const rmp10 = 'http://schemas.xmlsoap.org/ws/2005/02/rm/policy';
export const rmp11 = 'http://docs.oasis-open.org/ws-rx/wsrmp/200702';
export const netrmp = 'http://schemas.microsoft.com/ws-rx/wsrmp/200702';
export const sunRm = 'http://sun.com/2006/03/rm';
/** Metro's own settings of WS-RM 1.1 and 1.2. */
export const metroRm = 'http://java.sun.com/xml/ns/metro/ws-rx/wsrmp/200702';
export const wsmc = 'http://docs.oasis-open.org/ws-rx/wsmc/200702';
export const mtom = 'http://schemas.xmlsoap.org/ws/2004/09/policy/optimizedmimeserialization';
export const netBinary = 'http://schemas.microsoft.com/ws/06/2004/mspolicy/netbinary1';
export const duplex = 'http://schemas.microsoft.com/net/2006/06/duplex';
export const oneWayPolicy = 'http://schemas.microsoft.com/ws/2005/05/routing/policy';
export const httpPolicy = 'http://schemas.microsoft.com/ws/06/2004/policy/http';

/** Namespace of WSDL's SOAP extension, by the version of SOAP. */
export const wsdlSoap: Readonly<Record<'1.1' | '1.2', string>> = Object.freeze({
  '1.1': 'http://schemas.xmlsoap.org/wsdl/soap/',
  '1.2': 'http://schemas.xmlsoap.org/wsdl/soap12/',
});

/** A version of WS-SecurityPolicy: where its shapes differ. */
export interface SecurityPolicyVersion {
  readonly name: '1.1' | '1.2';
  readonly namespace: string;
  readonly trust: 'Trust10' | 'Trust13';
  /** What holds a user name that nobody else may read. */
  readonly username: 'SignedSupportingTokens' | 'SignedEncryptedSupportingTokens';
  /** Whether HttpsToken says its demands in a nested policy, or in an attribute. */
  readonly httpsNested: boolean;
  /** Namespace of MustNotSendCancel. */
  readonly mustNotSend: string;
}

const securityPolicy11: SecurityPolicyVersion = Object.freeze({
  name: '1.1',
  namespace: sp11,
  trust: 'Trust10',
  username: 'SignedSupportingTokens',
  httpsNested: false,
  mustNotSend: mssp,
});

const securityPolicy12: SecurityPolicyVersion = Object.freeze({
  name: '1.2',
  namespace: sp12,
  trust: 'Trust13',
  username: 'SignedEncryptedSupportingTokens',
  httpsNested: true,
  mustNotSend: sp12,
});

export const securityPolicyVersions: readonly SecurityPolicyVersion[] = Object.freeze([
  securityPolicy11,
  securityPolicy12,
]);

/** WS-Policy, and how it says that WS-Addressing 1.0 is spoken. */
export interface PolicyVersion {
  readonly name: '1.2' | '1.5';
  readonly namespace: string;
  readonly addressing: readonly [namespace: string, local: string];
}

const policy12: PolicyVersion = Object.freeze({
  name: '1.2',
  namespace: wsp12,
  addressing: Object.freeze([wsaw, 'UsingAddressing'] as const),
});
const policy15: PolicyVersion = Object.freeze({
  name: '1.5',
  namespace: wsp15,
  addressing: Object.freeze([wsam, 'Addressing'] as const),
});
export const policyVersions: readonly PolicyVersion[] = Object.freeze([policy12, policy15]);
