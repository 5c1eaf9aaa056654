/** Certificates and revocation lists (RFC 5280): built with pkijs, keys and signatures from node:crypto. */
import { createHash, type KeyObject, sign } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { Instant } from '../base/clock.ts';
import { systemRandom } from '../base/random.ts';
import type { Host } from './hosts.ts';

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** A certificate authority: what its name and key put into what it issues. */
export interface Authority {
  readonly name: pkijs.RelativeDistinguishedNames;
  readonly keys: KeyPair;
}

interface DistinguishedName {
  readonly commonName: string;
  readonly organizationalUnit: string;
  readonly organization: string;
}

export interface CertificateRequest {
  readonly subject: DistinguishedName;
  readonly keys: KeyPair;
  readonly notBefore: Instant;
  readonly notAfter: Instant;
  readonly keyUsage: readonly KeyUsage[];
  /** Object identifiers; none means that the certificate may be used for anything. */
  readonly extendedKeyUsage?: readonly string[];
  readonly hosts?: readonly Host[];
  /** Makes it a CA with this many CAs allowed below it. */
  readonly pathLength?: number;
}

export interface IssuedCertificate {
  readonly der: Uint8Array;
  readonly serial: asn1js.Integer;
  /** The subject as an authority, should it be one. */
  readonly authority: Authority;
}

/** The bits of the KeyUsage extension, from the first octet's high end. */
const KEY_USAGE = {
  digitalSignature: 0x80,
  nonRepudiation: 0x40,
  keyEncipherment: 0x20,
  keyAgreement: 0x08,
  keyCertSign: 0x04,
  cRLSign: 0x02,
} as const;

export type KeyUsage = keyof typeof KEY_USAGE;

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  organizationalUnit: '2.5.4.11',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  cRLNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  sha256WithRSAEncryption: '1.2.840.113549.1.1.11',
  ecdsaWithSHA256: '1.2.840.10045.4.3.2',
} as const;

const GENERAL_NAME_DNS = 2;
const GENERAL_NAME_IP = 7;
const REASON_KEY_COMPROMISE = 1;

/** Issues a certificate; without an issuer it is self-signed. */
export function issueCertificate(request: CertificateRequest, issuer?: Authority): IssuedCertificate {
  const subject = distinguishedName(request.subject);
  const authority: Authority = { name: subject, keys: request.keys };
  const signer = issuer ?? authority;
  const certificate = new pkijs.Certificate();
  certificate.version = 2;
  certificate.serialNumber = serialNumber();
  certificate.issuer = signer.name;
  certificate.subject = subject;
  certificate.notBefore = time(request.notBefore);
  certificate.notAfter = time(request.notAfter);
  certificate.subjectPublicKeyInfo = publicKeyInfo(request.keys.publicKey);
  certificate.extensions = extensionsOf(request, signer);
  const der = signWith(certificate, signer.keys.privateKey);
  return { der, serial: certificate.serialNumber, authority };
}

/** Signs the list of an authority's revoked certificates, all of them for a compromised key. */
export function issueRevocationList(
  issuer: Authority,
  thisUpdate: Instant,
  nextUpdate: Instant,
  revoked: readonly asn1js.Integer[],
): Uint8Array {
  const list = new pkijs.CertificateRevocationList();
  list.version = 1;
  list.issuer = issuer.name;
  list.thisUpdate = time(thisUpdate);
  list.nextUpdate = time(nextUpdate);
  const reason = extension(OID.reasonCode, new asn1js.Enumerated({ value: REASON_KEY_COMPROMISE }));
  // An empty list must be absent (RFC 5280 section 5.1.2.6).
  if (revoked.length > 0) {
    list.revokedCertificates = revoked.map(
      (userCertificate) =>
        new pkijs.RevokedCertificate({
          userCertificate,
          revocationDate: time(thisUpdate),
          crlEntryExtensions: new pkijs.Extensions({ extensions: [reason] }),
        }),
    );
  }
  const number = asn1js.Integer.fromBigInt(Math.floor(thisUpdate / 1000));
  list.crlExtensions = new pkijs.Extensions({
    extensions: [authorityKeyIdentifier(issuer), extension(OID.cRLNumber, number)],
  });
  return signWith(list, issuer.keys.privateKey);
}

/** The textual encoding of RFC 7468. */
export function pem(label: 'CERTIFICATE' | 'X509 CRL', der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function extensionsOf(request: CertificateRequest, issuer: Authority): pkijs.Extension[] {
  const { pathLength, extendedKeyUsage = [], hosts = [] } = request;
  const extensions = [
    extension(OID.subjectKeyIdentifier, new asn1js.OctetString({ valueHex: keyIdentifier(request.keys.publicKey) })),
    authorityKeyIdentifier(issuer),
    extension(OID.keyUsage, keyUsageBits(request.keyUsage), true),
  ];
  if (pathLength !== undefined) {
    const constraints = new pkijs.BasicConstraints({ cA: true, pathLenConstraint: pathLength });
    extensions.push(extension(OID.basicConstraints, constraints.toSchema(), true));
  }
  if (extendedKeyUsage.length > 0) {
    const purposes = new pkijs.ExtKeyUsage({ keyPurposes: [...extendedKeyUsage] });
    extensions.push(extension(OID.extKeyUsage, purposes.toSchema()));
  }
  if (hosts.length > 0) {
    const names = new pkijs.GeneralNames({ names: hosts.map(generalName) });
    extensions.push(extension(OID.subjectAltName, names.toSchema()));
  }
  return extensions;
}

/** Signs with SHA-256 and returns the DER of the whole. */
function signWith(made: pkijs.Certificate | pkijs.CertificateRevocationList, key: KeyObject): Uint8Array {
  const rsa = key.asymmetricKeyType === 'rsa';
  const algorithm = new pkijs.AlgorithmIdentifier({
    algorithmId: rsa ? OID.sha256WithRSAEncryption : OID.ecdsaWithSHA256,
    // RFC 4055: NULL for RSA; RFC 5758: absent for ECDSA.
    ...(rsa && { algorithmParams: new asn1js.Null() }),
  });
  made.signature = algorithm;
  made.signatureAlgorithm = algorithm;
  const [signed] = made.toSchema(true).valueBlock.value;
  if (signed === undefined) throw new TypeError('a certificate or revocation list begins with what is signed');
  made.signatureValue = new asn1js.BitString({ valueHex: sign('sha256', new Uint8Array(signed.toBER()), key) });
  return new Uint8Array(made.toSchema(true).toBER());
}

/** pkijs writes all attributes it is given into one set; a name of several sets, as everyone writes them, it only keeps. */
function distinguishedName(name: DistinguishedName): pkijs.RelativeDistinguishedNames {
  const parts = [
    [OID.organization, name.organization],
    [OID.organizationalUnit, name.organizationalUnit],
    [OID.commonName, name.commonName],
  ] as const;
  const sets = parts.map(([type, value]) => {
    const attribute = new pkijs.AttributeTypeAndValue({ type, value: new asn1js.Utf8String({ value }) });
    return new asn1js.Set({ value: [attribute.toSchema()] });
  });
  return pkijs.RelativeDistinguishedNames.fromBER(new asn1js.Sequence({ value: sets }).toBER());
}

/** 16 random octets, positive and never shorter. */
function serialNumber(): asn1js.Integer {
  const octets = systemRandom.bytes(16);
  octets[0] = ((octets[0] ?? 0) & 0x3f) | 0x40;
  return new asn1js.Integer({ valueHex: octets });
}

/** UTCTime to the end of 2049, GeneralizedTime from then on (RFC 5280 section 4.1.2.5); whole seconds. */
function time(when: Instant): pkijs.Time {
  const value = new Date(Math.floor(when / 1000) * 1000);
  return new pkijs.Time({ type: value.getUTCFullYear() < 2050 ? 0 : 1, value });
}

function publicKeyInfo(key: KeyObject): pkijs.PublicKeyInfo {
  return pkijs.PublicKeyInfo.fromBER(key.export({ type: 'spki', format: 'der' }));
}

/** Method 1 of RFC 5280 section 4.2.1.2: SHA-1 of the key's bit string. */
function keyIdentifier(key: KeyObject): Uint8Array {
  return createHash('sha1').update(publicKeyInfo(key).subjectPublicKey.valueBlock.valueHexView).digest();
}

function authorityKeyIdentifier(issuer: Authority): pkijs.Extension {
  const identifier = new pkijs.AuthorityKeyIdentifier({
    keyIdentifier: new asn1js.OctetString({ valueHex: keyIdentifier(issuer.keys.publicKey) }),
  });
  return extension(OID.authorityKeyIdentifier, identifier.toSchema());
}

/** DER: a named bit list has no trailing zero bits. */
function keyUsageBits(usages: readonly KeyUsage[]): asn1js.BitString {
  const bits = usages.reduce((all, usage) => all | KEY_USAGE[usage], 0);
  const unusedBits = 31 - Math.clz32(bits & -bits);
  return new asn1js.BitString({ valueHex: Uint8Array.of(bits), unusedBits });
}

function generalName(host: Host): pkijs.GeneralName {
  return host.type === 'dns'
    ? new pkijs.GeneralName({ type: GENERAL_NAME_DNS, value: host.text })
    : new pkijs.GeneralName({ type: GENERAL_NAME_IP, value: new asn1js.OctetString({ valueHex: host.octets }) });
}

function extension(extnID: string, value: asn1js.BaseBlock, critical = false): pkijs.Extension {
  return new pkijs.Extension({ extnID, critical, extnValue: value.toBER() });
}
