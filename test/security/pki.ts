/** A certification authority for tests, in memory: issues certificates and revocation lists with PKI.js and WebCrypto. */
import { KeyObject } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { type Certificate, certificate } from '../../src/security/certificates.ts';
import { type SigningKey, signingKey } from '../../src/security/keys.ts';

const subtle = globalThis.crypto.subtle;

export interface IssueOptions {
  readonly name: string;
  readonly kind?: 'rsa' | 'ec';
  readonly bits?: number;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly ca?: boolean;
  readonly pathLength?: number;
  /** The first octet of keyUsage; `undefined` leaves the extension out. */
  readonly keyUsage?: number | undefined;
  readonly extendedUsages?: readonly string[];
  readonly hosts?: readonly string[];
  /** nameConstraints: permitted DNS subtrees. */
  readonly permitted?: readonly string[];
  readonly criticalUnknown?: boolean;
  /** Certifies this key, whose private half is elsewhere. */
  readonly publicKey?: CryptoKey;
}

export interface Issued {
  readonly certificate: Certificate;
  readonly pki: pkijs.Certificate;
  readonly pair: CryptoKeyPair;
  key(chain?: readonly Issued[]): SigningKey;
}

let serial = 1000;

export async function issue(options: IssueOptions, issuer?: Issued): Promise<Issued> {
  const { kind = 'ec', ca = false } = options;
  const pair = (await (kind === 'rsa'
    ? subtle.generateKey(
        {
          name: 'RSASSA-PKCS1-v1_5',
          modulusLength: options.bits ?? 2048,
          publicExponent: new Uint8Array([1, 0, 1]),
          hash: 'SHA-256',
        },
        true,
        ['sign', 'verify'],
      )
    : subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']))) as CryptoKeyPair;
  const own = new pkijs.Certificate();
  own.version = 2;
  own.serialNumber = new asn1js.Integer({ value: ++serial });
  setName(own.subject, options.name);
  if (issuer === undefined) setName(own.issuer, options.name);
  else own.issuer.typesAndValues = issuer.pki.subject.typesAndValues;
  own.notBefore.value = options.notBefore ?? new Date('2020-01-01T00:00:00Z');
  own.notAfter.value = options.notAfter ?? new Date('2040-01-01T00:00:00Z');
  await own.subjectPublicKeyInfo.importKey(options.publicKey ?? pair.publicKey);
  own.extensions = await extensionsOf(options, own, ca);
  await own.sign(issuer?.pair.privateKey ?? pair.privateKey, 'SHA-256');
  const value = certificate(new Uint8Array(own.toSchema(true).toBER()));
  return {
    certificate: value,
    pki: own,
    pair,
    key: (chain = []) =>
      signingKey({
        privateKey: KeyObject.from(pair.privateKey),
        certificate: [value, ...chain.map((one) => one.certificate)],
      }),
  };
}

async function extensionsOf(options: IssueOptions, own: pkijs.Certificate, ca: boolean): Promise<pkijs.Extension[]> {
  const extensions: pkijs.Extension[] = [];
  const add = (extnID: string, critical: boolean, value: { toBER(): ArrayBuffer }, parsedValue?: unknown) =>
    extensions.push(
      new pkijs.Extension({
        extnID,
        critical,
        extnValue: value.toBER(),
        parsedValue: parsedValue as pkijs.ExtensionParsedValue,
      }),
    );
  const constraints = new pkijs.BasicConstraints({
    cA: ca,
    ...(options.pathLength === undefined ? {} : { pathLenConstraint: options.pathLength }),
  });
  add('2.5.29.19', true, constraints.toSchema(), constraints);
  const usage = 'keyUsage' in options ? options.keyUsage : ca ? 0x06 : 0x80;
  if (usage !== undefined) {
    const bits = new asn1js.BitString({ valueHex: new Uint8Array([usage]).buffer });
    add('2.5.29.15', true, bits, bits);
  }
  const spki = await subtle.digest('SHA-1', own.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView.slice());
  add('2.5.29.14', false, new asn1js.OctetString({ valueHex: spki }));
  if (options.extendedUsages !== undefined) {
    const extended = new pkijs.ExtKeyUsage({ keyPurposes: [...options.extendedUsages] });
    add('2.5.29.37', false, extended.toSchema(), extended);
  }
  if (options.hosts !== undefined) {
    const names = new pkijs.GeneralNames({
      names: options.hosts.map((host) => new pkijs.GeneralName({ type: 2, value: host })),
    });
    add('2.5.29.17', false, names.toSchema());
  }
  if (options.permitted !== undefined) {
    const subtrees = options.permitted.map(
      (host) => new pkijs.GeneralSubtree({ base: new pkijs.GeneralName({ type: 2, value: host }) }),
    );
    const limits = new pkijs.NameConstraints({ permittedSubtrees: subtrees });
    add('2.5.29.30', true, limits.toSchema(), limits);
  }
  if (options.criticalUnknown === true) add('1.2.3.4.5', true, new asn1js.Null());
  return extensions;
}

function setName(of: pkijs.RelativeDistinguishedNames, name: string): void {
  of.typesAndValues.push(
    new pkijs.AttributeTypeAndValue({ type: '2.5.4.3', value: new asn1js.Utf8String({ value: name }) }),
  );
}

/** A revocation list of `issuer`. */
export async function revocationList(
  issuer: Issued,
  revoked: readonly Issued[],
  thisUpdate: Date,
  nextUpdate: Date,
): Promise<Uint8Array> {
  const list = new pkijs.CertificateRevocationList();
  list.version = 1;
  list.issuer.typesAndValues = issuer.pki.subject.typesAndValues;
  list.thisUpdate.value = thisUpdate;
  list.nextUpdate = new pkijs.Time({ type: 0, value: nextUpdate });
  list.revokedCertificates = revoked.map(
    (one) =>
      new pkijs.RevokedCertificate({
        userCertificate: one.pki.serialNumber,
        revocationDate: new pkijs.Time({ type: 0, value: thisUpdate }),
      }),
  );
  await list.sign(issuer.pair.privateKey, 'SHA-256');
  return new Uint8Array(list.toSchema(true).toBER());
}
