/** Namespaces and URIs of WS-Security, XML Signature and its neighbours; spelled once. */

export const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
export const wsu = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
export const wsse11 = 'http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd';
export const ds = 'http://www.w3.org/2000/09/xmldsig#';
export const xenc = 'http://www.w3.org/2001/04/xmlenc#';
export const excC14n = 'http://www.w3.org/2001/10/xml-exc-c14n#';

const soapMessageSecurity10 = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0';
const soapMessageSecurity11 = 'http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1';
const x509Profile = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0';
const usernameProfile = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0';

export const base64Binary: string = `${soapMessageSecurity10}#Base64Binary`;
export const x509v3: string = `${x509Profile}#X509v3`;
export const x509PkiPath: string = `${x509Profile}#X509PKIPathv1`;
export const x509Pkcs7: string = `${x509Profile}#PKCS7`;
export const subjectKeyIdentifier: string = `${x509Profile}#X509SubjectKeyIdentifier`;
export const thumbprintSha1: string = `${soapMessageSecurity11}#ThumbprintSHA1`;
export const encryptedKeyToken: string = `${soapMessageSecurity11}#EncryptedKey`;
export const encryptedKeySha1: string = `${soapMessageSecurity11}#EncryptedKeySHA1`;
export const strTransformUri: string = `${soapMessageSecurity10}#STR-Transform`;
/** How WIF names a JSON Web Token inside a BinarySecurityToken. */
export const jwtTokenType = 'urn:ietf:params:oauth:token-type:jwt';
export const passwordText: string = `${usernameProfile}#PasswordText`;
export const passwordDigest: string = `${usernameProfile}#PasswordDigest`;

/** Both namespaces of WS-ReliableMessaging, and MakeConnection: their headers steer a sequence. */
export const reliableNamespaces: readonly string[] = Object.freeze([
  'http://schemas.xmlsoap.org/ws/2005/02/rm',
  'http://docs.oasis-open.org/ws-rx/wsrm/200702',
  'http://docs.oasis-open.org/ws-rx/wsmc/200702',
]);

/** Both namespaces of WS-SecureConversation: derived keys and security contexts. */
export const conversationNamespaces: readonly string[] = Object.freeze([
  'http://schemas.xmlsoap.org/ws/2005/02/sc',
  'http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512',
]);
/** ValueType of references to a UsernameToken (UsernameToken Profile 1.1 section 4). */
export const usernameTokenType: string =
  'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#UsernameToken';
