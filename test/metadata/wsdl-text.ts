/** A WSDL of one port around a policy, for tests that are about the policy; and the prefixes that policies here use. */

const prefixes = `xmlns:sp="http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702"
 xmlns:sp11="http://schemas.xmlsoap.org/ws/2005/07/securitypolicy" xmlns:rm="http://docs.oasis-open.org/ws-rx/wsrmp/200702"
 xmlns:rm10="http://schemas.xmlsoap.org/ws/2005/02/rm/policy" xmlns:wsam="http://www.w3.org/2007/05/addressing/metadata"
 xmlns:wsap="http://schemas.xmlsoap.org/ws/2004/08/addressing/policy" xmlns:wsaw="http://www.w3.org/2006/05/addressing/wsdl"
 xmlns:w="http://www.w3.org/ns/ws-policy" xmlns:http="http://schemas.microsoft.com/ws/06/2004/policy/http"
 xmlns:mtom="http://schemas.xmlsoap.org/ws/2004/09/policy/optimizedmimeserialization" xmlns:mc="http://docs.oasis-open.org/ws-rx/wsmc/200702"`;

export interface WsdlText {
  /** Children of the policy. */
  readonly policy?: string;
  /** Address of the port. */
  readonly address?: string;
  /** Further children of wsdl:definitions, before the binding. */
  readonly more?: string;
}

/** The children of the policy begin in line 8. */
export function wsdlText({ policy = '', address = 'https://orders.example/soap', more = '' }: WsdlText): string {
  return `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:t" targetNamespace="urn:t" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap12/" ${prefixes}>
<binding name="b" type="t:p"><w:Policy>
${policy}
</w:Policy><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/></binding>${more}
<service name="s"><port name="p" binding="t:b"><soap:address location="${address}"/></port></service></definitions>`;
}

export const inner = (text: string): string => `<w:Policy>${text}</w:Policy>`;
const suite = `<sp:AlgorithmSuite>${inner('<sp:Basic256Sha256/>')}</sp:AlgorithmSuite><sp:IncludeTimestamp/>`;

/** Assertions that tests put together. */
export const parts: Readonly<Record<'suite' | 'transport' | 'username' | 'symmetric' | 'body', string>> = {
  suite: suite,
  transport: `<sp:TransportBinding>${inner(`<sp:TransportToken>${inner(`<sp:HttpsToken>${inner('')}</sp:HttpsToken>`)}</sp:TransportToken>${suite}`)}</sp:TransportBinding>`,
  username: `<sp:SignedEncryptedSupportingTokens>${inner(`<sp:UsernameToken>${inner('<sp:WssUsernameToken10/>')}</sp:UsernameToken>`)}</sp:SignedEncryptedSupportingTokens>`,
  symmetric: `<sp:SymmetricBinding>${inner(`<sp:ProtectionToken>${inner(`<sp:X509Token>${inner('<sp:WssX509V3Token10/>')}</sp:X509Token>`)}</sp:ProtectionToken>${suite}`)}</sp:SymmetricBinding>`,
  body: '<sp:SignedParts><sp:Body/></sp:SignedParts><sp:EncryptedParts><sp:Body/></sp:EncryptedParts>',
};
