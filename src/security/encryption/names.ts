/** Namespaces and type URIs of XML Encryption 1.0 and 1.1 and of the key values that it borrows; spelled once. */
import { xenc } from '../names.ts';

export const xenc11 = 'http://www.w3.org/2009/xmlenc11#';
export const dsig11 = 'http://www.w3.org/2009/xmldsig11#';
/** Where HKDF and the X25519 family live (RFC 9231). */
export const dsigMore = 'http://www.w3.org/2021/04/xmldsig-more#';

export const elementType: string = `${xenc}Element`;
export const contentType: string = `${xenc}Content`;
export const encryptedKeyType: string = `${xenc}EncryptedKey`;
