/**
 * X.509 tokens (X.509 Token Profile 1.1) and the references to them. A reference only finds a certificate; whether that
 * certificate may speak is asked of the policy's trust (attacks K1, K10, K11).
 */
import { base64, equalBytes } from '../../base/bytes.ts';
import type { XmlElement } from '../../xml/document.ts';
import type { XmlFragment } from '../../xml/fragment.ts';
import { XmlWriter } from '../../xml/write.ts';
import { type Certificate, certificate } from '../certificates.ts';
import { SecurityError, untrusted } from '../errors.ts';
import type { SecurityHeader } from '../header.ts';
import { base64Binary, ds, subjectKeyIdentifier, thumbprintSha1, wsse, wsu, x509v3 } from '../names.ts';
import { allowedAttribute, octetsOf, plainText, requiredAttribute } from '../values.ts';

/** How a signature names the certificate of its key. */
export type TokenReference = 'direct' | 'thumbprint' | 'key-identifier' | 'issuer-serial';

/** What a KeyInfo may lead to. */
export interface TokenScope {
  readonly header: SecurityHeader;
  readonly ids: ReadonlyMap<string, XmlElement>;
  /** Certificates that may be referred to without being in the message. */
  readonly known: readonly Certificate[];
}

/**
 * The certificate that a ds:KeyInfo refers to: exactly one SecurityTokenReference with exactly one reference (BSP R5402,
 * R3061).
 *
 * @throws SecurityError `SECURITY_MALFORMED`, `SECURITY_TOKEN`, `SECURITY_UNSUPPORTED`, `SECURITY_CERTIFICATE_MALFORMED`
 */
export function certificateOf(keyInfo: XmlElement | undefined, scope: TokenScope): Certificate {
  const [reference, second] = keyInfo?.children ?? [];
  if (!reference?.is(wsse, 'SecurityTokenReference') || second !== undefined) {
    throw new SecurityError('SECURITY_MALFORMED', 'ds:KeyInfo does not hold exactly one SecurityTokenReference.');
  }
  const [target, other] = reference.children;
  if (target === undefined || other !== undefined) {
    throw new SecurityError('SECURITY_MALFORMED', 'A SecurityTokenReference does not hold exactly one reference.');
  }
  if (target.is(wsse, 'Reference')) return included(target, scope);
  const candidates = scope.known.filter(selectorOf(target));
  const [found, ambiguous] = candidates;
  if (found === undefined || ambiguous !== undefined) {
    throw new SecurityError('SECURITY_TOKEN', 'The message refers to a certificate that is not known here, or to two.');
  }
  return found;
}

/** A `#id` reference to a BinarySecurityToken of the same Security header (BSP R3066, R5204). */
function included(reference: XmlElement, { header, ids }: TokenScope): Certificate {
  const uri = requiredAttribute(reference, 'URI');
  const token = uri.startsWith('#') ? ids.get(uri.slice(1)) : undefined;
  if (token === undefined || !header.binaryTokens.includes(token)) {
    throw new SecurityError('SECURITY_TOKEN', `There is no BinarySecurityToken "${untrusted(uri)}" in this header.`);
  }
  const valueType = requiredAttribute(token, 'ValueType');
  if (valueType !== x509v3) {
    throw new SecurityError('SECURITY_UNSUPPORTED', `Tokens of type "${untrusted(valueType)}" are not accepted.`);
  }
  allowedAttribute(reference, 'ValueType', valueType);
  allowedAttribute(token, 'EncodingType', base64Binary);
  return certificate(octetsOf(token));
}

function selectorOf(target: XmlElement): (candidate: Certificate) => boolean {
  if (target.is(wsse, 'KeyIdentifier')) {
    allowedAttribute(target, 'EncodingType', base64Binary);
    const valueType = requiredAttribute(target, 'ValueType');
    const wanted = octetsOf(target);
    if (valueType === thumbprintSha1) return (one) => equalBytes(one.thumbprint(), wanted);
    if (valueType === subjectKeyIdentifier) return (one) => equalBytes(one.keyIdentifier() ?? new Uint8Array(), wanted);
    throw new SecurityError('SECURITY_UNSUPPORTED', `Key identifiers "${untrusted(valueType)}" are not accepted.`);
  }
  const [issuerSerial, second] = target.is(ds, 'X509Data') ? target.children : [];
  const [issuer, serial, more] = issuerSerial?.is(ds, 'X509IssuerSerial') ? issuerSerial.children : [];
  const alone = second === undefined && more === undefined;
  if (!alone || !issuer?.is(ds, 'X509IssuerName') || !serial?.is(ds, 'X509SerialNumber')) {
    throw new SecurityError('SECURITY_UNSUPPORTED', `References by ${untrusted(target.local)} are not accepted.`);
  }
  const number = plainText(serial);
  if (!/^\d{1,50}$/.test(number)) throw new SecurityError('SECURITY_MALFORMED', 'A serial number is not a number.');
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

/** The token with its certificate. */
export function writeBinaryToken(id: string, of: Certificate): XmlFragment {
  return new XmlWriter()
    .start(wsse, 'BinarySecurityToken', 'wsse')
    .attribute(wsu, 'Id', id, 'wsu')
    .attribute('', 'EncodingType', base64Binary)
    .attribute('', 'ValueType', x509v3)
    .text(base64(of.der))
    .end()
    .finish();
}

/**
 * The SecurityTokenReference of a form.
 *
 * @param id of the BinarySecurityToken, for `direct`
 * @throws SecurityError `SECURITY_TOKEN` when the certificate has no subject key identifier
 */
export function writeTokenReference(form: TokenReference, of: Certificate, id: string): XmlFragment {
  const writer = new XmlWriter().start(wsse, 'SecurityTokenReference', 'wsse');
  switch (form) {
    case 'direct':
      writer.start(wsse, 'Reference', 'wsse').attribute('', 'URI', `#${id}`).attribute('', 'ValueType', x509v3).end();
      break;
    case 'thumbprint':
      writeKeyIdentifier(writer, thumbprintSha1, of.thumbprint());
      break;
    case 'key-identifier': {
      const identifier = of.keyIdentifier();
      if (identifier === undefined) {
        throw new SecurityError('SECURITY_TOKEN', `The certificate of ${of.subject} has no subject key identifier.`);
      }
      writeKeyIdentifier(writer, subjectKeyIdentifier, identifier);
      break;
    }
    case 'issuer-serial':
      writer.start(ds, 'X509Data', 'ds').start(ds, 'X509IssuerSerial', 'ds');
      writer.element(ds, 'X509IssuerName', of.issuer, 'ds');
      writer
        .element(ds, 'X509SerialNumber', BigInt(`0x${of.serial}`).toString(), 'ds')
        .end()
        .end();
      break;
    default:
      form satisfies never;
  }
  return writer.end().finish();
}

function writeKeyIdentifier(writer: XmlWriter, valueType: string, octets: Uint8Array): void {
  writer.start(wsse, 'KeyIdentifier', 'wsse').attribute('', 'EncodingType', base64Binary);
  writer.attribute('', 'ValueType', valueType).text(base64(octets)).end();
}
