/**
 * wsse:SecurityTokenReference (WSS 1.1 section 7): what it names, read into one closed union before anything is looked for.
 * Exactly one reference stands in it (BSP R3061), and a reference only finds: whether what it finds may speak is asked of
 * the policy (attacks K1, K10, K11).
 */
import { equalBytes } from '../../base/bytes.ts';
import type { XmlElement } from '../../xml/document.ts';
import type { Certificate } from '../certificates.ts';
import { SecurityError, untrusted } from '../errors.ts';
import {
  base64Binary,
  ds,
  encryptedKeySha1,
  subjectKeyIdentifier,
  thumbprintSha1,
  wsse,
  wsse11,
  x509v3,
} from '../names.ts';
import { allowedAttribute, octetsOf, plainText, requiredAttribute } from '../values.ts';
import { type SamlVersion, samlVersions } from './saml.ts';

/** What a SecurityTokenReference names. */
type TokenTarget =
  /** wsse:Reference to an element of the message. */
  | { readonly kind: 'local'; readonly id: string; readonly valueType: string | undefined }
  /** wsse:Reference to something that has a URI as its name. */
  | { readonly kind: 'external'; readonly uri: string; readonly valueType: string | undefined }
  /** A certificate by issuer and serial, subject key identifier or thumbprint. */
  | { readonly kind: 'certificate'; matches(candidate: Certificate): boolean }
  /** An EncryptedKey that both ends have seen, by SHA-1 of its CipherValue's octets. */
  | { readonly kind: 'encrypted-key'; readonly sha1: Uint8Array }
  | { readonly kind: 'assertion'; readonly id: string; readonly version: SamlVersion }
  | { readonly kind: 'embedded'; readonly token: XmlElement }
  /** ds:KeyName, which Basic Security Profile forbids: for callers who gave names to keys. */
  | { readonly kind: 'key-name'; readonly name: string }
  /** A Kerberos ticket that both ends have seen, by SHA-1 of the AP-REQ. */
  | { readonly kind: 'kerberos'; readonly sha1: Uint8Array };

export interface TokenReferenceRead {
  readonly element: XmlElement;
  readonly target: TokenTarget;
  readonly tokenType: string | undefined;
}

const kerberosSha1 = 'http://docs.oasis-open.org/wss/oasis-wss-kerberos-tokenprofile-1.1#Kerberosv5APREQSHA1';

/**
 * The SecurityTokenReference that is the only child of a ds:KeyInfo (BSP R5402, R5417).
 *
 * @throws SecurityError `SECURITY_MALFORMED` and as `readTokenReference`
 */
export function referenceIn(keyInfo: XmlElement | undefined): TokenReferenceRead {
  const [reference, second] = keyInfo?.children ?? [];
  if (reference === undefined || second !== undefined || !reference.is(wsse, 'SecurityTokenReference')) {
    throw malformed('ds:KeyInfo does not hold exactly one SecurityTokenReference.');
  }
  return readTokenReference(reference);
}

/** @throws SecurityError `SECURITY_MALFORMED`, `SECURITY_UNSUPPORTED` for kinds that nobody here knows */
export function readTokenReference(element: XmlElement): TokenReferenceRead {
  const [target, other] = element.children;
  if (!element.is(wsse, 'SecurityTokenReference') || target === undefined || other !== undefined) {
    throw malformed('A SecurityTokenReference does not hold exactly one reference.');
  }
  return { element, target: readTarget(target), tokenType: element.attribute('TokenType', wsse11) };
}

function readTarget(target: XmlElement): TokenTarget {
  if (target.is(wsse, 'Reference')) {
    const uri = requiredAttribute(target, 'URI');
    const valueType = target.attribute('ValueType');
    return uri.startsWith('#') ? { kind: 'local', id: uri.slice(1), valueType } : { kind: 'external', uri, valueType };
  }
  if (target.is(wsse, 'KeyIdentifier')) return readIdentifier(target);
  if (target.is(wsse, 'Embedded')) {
    const [token, second] = target.children;
    if (token === undefined || second !== undefined) throw malformed('wsse:Embedded does not hold exactly one token.');
    return { kind: 'embedded', token };
  }
  if (target.is(ds, 'KeyName')) return { kind: 'key-name', name: plainText(target) };
  const matches = target.is(ds, 'X509Data') ? issuerAndSerial(target) : undefined;
  if (matches !== undefined) return { kind: 'certificate', matches };
  throw new SecurityError('SECURITY_UNSUPPORTED', `References by ${untrusted(target.local)} are not accepted.`);
}

function readIdentifier(target: XmlElement): TokenTarget {
  const valueType = requiredAttribute(target, 'ValueType');
  const version = samlVersions.find((one) => one.identifierType === valueType);
  // The id of an assertion is a plain string (BSP R6604, R6605).
  if (version !== undefined) return { kind: 'assertion', id: plainText(target), version };
  allowedAttribute(target, 'EncodingType', base64Binary);
  const wanted = octetsOf(target);
  switch (valueType) {
    case thumbprintSha1:
      return { kind: 'certificate', matches: (one) => equalBytes(one.thumbprint(), wanted) };
    case subjectKeyIdentifier:
      return {
        kind: 'certificate',
        matches: (one) => equalBytes(one.keyIdentifier() ?? new Uint8Array(), wanted),
      };
    // The whole certificate, as gSOAP and WSS4J (X509KeyIdentifier) write it although BSP R5206 says not to; it only selects.
    case x509v3:
      return { kind: 'certificate', matches: (one) => equalBytes(one.der, wanted) };
    case encryptedKeySha1:
      return { kind: 'encrypted-key', sha1: wanted };
    case kerberosSha1:
      return { kind: 'kerberos', sha1: wanted };
    default:
      throw new SecurityError('SECURITY_UNSUPPORTED', `Key identifiers "${untrusted(valueType)}" are not accepted.`);
  }
}

/** What a ds:X509Data of exactly one ds:X509IssuerSerial selects; `undefined` for every other. */
export function issuerAndSerial(data: XmlElement): ((candidate: Certificate) => boolean) | undefined {
  const [issuerSerial, second] = data.children;
  const [issuer, serial, more] = issuerSerial?.is(ds, 'X509IssuerSerial') ? issuerSerial.children : [];
  const alone = second === undefined && more === undefined;
  if (!alone || !issuer?.is(ds, 'X509IssuerName') || !serial?.is(ds, 'X509SerialNumber')) return undefined;
  const number = plainText(serial);
  if (!/^\d{1,50}$/.test(number)) throw malformed('A serial number is not a number.');
  const wanted = BigInt(number).toString(16).toUpperCase();
  const names = nameParts(plainText(issuer));
  return (one) => one.serial.replace(/^0+/, '') === wanted && sameName(one.issuer, names);
}

/** The relative names of a distinguished name in any order and spacing: enough to find a candidate, which is all it does. */
function nameParts(name: string): readonly string[] {
  return name
    .split(/[,;]/)
    .map((part) => part.replace(/\s*=\s*/, '=').trim())
    .toSorted();
}

function sameName(one: string, parts: readonly string[]): boolean {
  const own = nameParts(one);
  return own.length === parts.length && own.every((part, index) => part === parts[index]);
}

function malformed(what: string): SecurityError {
  return new SecurityError('SECURITY_MALFORMED', what);
}
