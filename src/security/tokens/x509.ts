/**
 * X.509 tokens (X.509 Token Profile 1.1) and the references to them. A reference only finds a certificate; whether that
 * certificate may speak is asked of the policy's trust (attacks K1, K10, K11).
 */
import { base64 } from '../../base/bytes.ts';
import type { XmlElement } from '../../xml/document.ts';
import type { XmlFragment } from '../../xml/fragment.ts';
import { XmlWriter } from '../../xml/write.ts';
import { type Certificate, certificate } from '../certificates.ts';
import { SecurityError, untrusted } from '../errors.ts';
import type { SecurityHeader } from '../header.ts';
import {
  base64Binary,
  ds,
  subjectKeyIdentifier,
  thumbprintSha1,
  wsse,
  wsse11,
  wsu,
  x509Pkcs7,
  x509PkiPath,
  x509v3,
} from '../names.ts';
import { allowedAttribute, octetsOf, requiredAttribute } from '../values.ts';
import { readPkcs7, readPkiPath, writePkcs7, writePkiPath } from './certificate-paths.ts';
import { referenceIn, type TokenReferenceRead } from './reference.ts';

/**
 * How a signature names the certificate of its key. `direct`: it is in the message. `path`: it is in the message with its issuers, for
 * readers that lack those (#X509PKIPathv1); `pkcs7`: as `path`, for readers that read no other list (#PKCS7).
 */
export type TokenReference = IncludedToken | OutsideReference;

/** Forms of a token that is in the message. */
type IncludedToken = 'direct' | 'path' | 'pkcs7';

/** What names a certificate that is not in the message. */
export type OutsideReference = 'thumbprint' | 'key-identifier' | 'issuer-serial';

interface TokenForm {
  readonly type: string;
  octets(own: Certificate, chain: readonly Certificate[]): Uint8Array;
}

const forms: Readonly<Record<IncludedToken, TokenForm>> = {
  direct: { type: x509v3, octets: (own) => own.der },
  path: { type: x509PkiPath, octets: (_, chain) => writePkiPath(chain) },
  pkcs7: { type: x509Pkcs7, octets: (_, chain) => writePkcs7(chain) },
};

/** Whether the token of a reference is in the message. */
export function isIncluded(reference: TokenReference): reference is IncludedToken {
  return reference in forms;
}

/** What a KeyInfo may lead to. */
export interface TokenScope {
  readonly header: SecurityHeader;
  readonly ids: ReadonlyMap<string, XmlElement>;
  /** Certificates that may be referred to without being in the message. */
  readonly known: readonly Certificate[];
  /** Certificates by the names that ds:KeyName may use; Basic Security Profile forbids it, so absent unless asked for. */
  readonly names?: ReadonlyMap<string, Certificate>;
}

/** A certificate that a reference led to, and what may help to build its path. */
export interface FoundCertificate {
  readonly certificate: Certificate;
  /** Certificates that came with it: believed in nothing, candidates for the path only. */
  readonly others: readonly Certificate[];
  /** The element that carries it; absent when it was known here. */
  readonly token: XmlElement | undefined;
}

/**
 * The certificate that a ds:KeyInfo refers to: exactly one SecurityTokenReference with exactly one reference (BSP R5402,
 * R3061).
 *
 * @throws SecurityError `SECURITY_MALFORMED`, `SECURITY_TOKEN`, `SECURITY_UNSUPPORTED`, `SECURITY_CERTIFICATE_MALFORMED`
 */
export function certificateOf(keyInfo: XmlElement | undefined, scope: TokenScope): Certificate {
  return foundCertificate(referenceIn(keyInfo), scope).certificate;
}

/**
 * The certificate that a reference leads to: a BinarySecurityToken of the same Security header (BSP R3066, R5204), one
 * that is embedded in the reference, or a certificate that is known here.
 *
 * @throws SecurityError `SECURITY_TOKEN`, `SECURITY_UNSUPPORTED`, `SECURITY_CERTIFICATE_MALFORMED`, `SECURITY_LIMIT`
 */
export function foundCertificate({ target }: TokenReferenceRead, scope: TokenScope): FoundCertificate {
  switch (target.kind) {
    case 'local': {
      const token = scope.ids.get(target.id);
      if (token === undefined || !scope.header.binaryTokens.includes(token)) {
        throw new SecurityError('SECURITY_TOKEN', `There is no BinarySecurityToken "#${untrusted(target.id)}" here.`);
      }
      return readX509Token(token, target.valueType);
    }
    case 'embedded':
      return readX509Token(target.token);
    case 'certificate':
      return known(scope.known.filter((one) => target.matches(one)));
    case 'key-name': {
      const named = scope.names?.get(target.name);
      return known(named === undefined ? [] : [named]);
    }
    case 'external':
      throw new SecurityError('SECURITY_TOKEN', `The certificate at "${untrusted(target.uri)}" is not fetched.`);
    case 'encrypted-key':
    case 'assertion':
    case 'kerberos':
      throw new SecurityError('SECURITY_UNSUPPORTED', `References of the kind ${target.kind} lead to no certificate.`);
    default:
      return target satisfies never;
  }
}

function known([found, ambiguous]: readonly Certificate[]): FoundCertificate {
  if (found !== undefined && ambiguous === undefined) return { certificate: found, others: [], token: undefined };
  throw new SecurityError('SECURITY_TOKEN', 'The message refers to a certificate that is not known here, or to two.');
}

/**
 * The certificates of a BinarySecurityToken: one (#X509v3), or a path as #X509PKIPathv1 or #PKCS7 (BSP R5201).
 *
 * @param referred the ValueType of the reference that led here
 * @throws SecurityError `SECURITY_UNSUPPORTED`, `SECURITY_MALFORMED`, `SECURITY_CERTIFICATE_MALFORMED`, `SECURITY_LIMIT`
 */
export function readX509Token(token: XmlElement, referred?: string): FoundCertificate {
  const valueType = token.is(wsse, 'BinarySecurityToken') ? requiredAttribute(token, 'ValueType') : token.local;
  const read = formats.get(valueType);
  if (read === undefined) {
    throw new SecurityError('SECURITY_UNSUPPORTED', `Tokens of type "${untrusted(valueType)}" are not accepted.`);
  }
  if (referred !== undefined && referred !== valueType) {
    throw new SecurityError('SECURITY_MALFORMED', 'A reference and its BinarySecurityToken are of two types.');
  }
  allowedAttribute(token, 'EncodingType', base64Binary);
  const [own, ...others] = read(octetsOf(token));
  if (own === undefined) throw new SecurityError('SECURITY_TOKEN', 'A BinarySecurityToken holds no certificate.');
  return { certificate: own, others, token };
}

const formats: ReadonlyMap<string, (octets: Uint8Array) => readonly Certificate[]> = new Map([
  [x509v3, (octets: Uint8Array) => [certificate(octets)]],
  [x509PkiPath, readPkiPath],
  [x509Pkcs7, readPkcs7],
]);

/**
 * The token with its certificate.
 *
 * @param chain the certificate and its issuers, which `path` and `pkcs7` take along
 */
export function writeBinaryToken(
  id: string,
  of: Certificate,
  form: IncludedToken = 'direct',
  chain: readonly Certificate[] = [of],
): XmlFragment {
  const { type, octets } = forms[form];
  return new XmlWriter()
    .start(wsse, 'BinarySecurityToken', 'wsse')
    .attribute(wsu, 'Id', id, 'wsu')
    .attribute('', 'EncodingType', base64Binary)
    .attribute('', 'ValueType', type)
    .text(base64(octets(of, chain)))
    .end()
    .finish();
}

/**
 * The SecurityTokenReference of a form.
 *
 * @param id of the BinarySecurityToken, for those that are in the message
 * @throws SecurityError `SECURITY_TOKEN` when the certificate has no subject key identifier
 */
export function writeTokenReference(form: TokenReference, of: Certificate, id: string): XmlFragment {
  const writer = new XmlWriter().start(wsse, 'SecurityTokenReference', 'wsse');
  switch (form) {
    case 'direct':
    case 'path':
    case 'pkcs7': {
      const { type } = forms[form];
      // BSP R5215 asks for it where the token is a path.
      if (form === 'path') writer.attribute(wsse11, 'TokenType', type, 'wsse11');
      writer.start(wsse, 'Reference', 'wsse').attribute('', 'URI', `#${id}`).attribute('', 'ValueType', type).end();
      break;
    }
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
