/**
 * Throw-away keys, certificates and revocation lists for the tests of this room, made in memory. One RSA key serves all
 * subjects but the authorities: making keys is the slow part, and no test here depends on their being different.
 */
import forge from 'node-forge';

const { pki, asn1, md, util } = forge;

export interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly keys: forge.pki.rsa.KeyPair;
  readonly certificate: forge.pki.Certificate;
  readonly der: Uint8Array;
}

export interface LeafOptions {
  readonly name?: string;
  /** DNS names and addresses; default localhost and 127.0.0.1. */
  readonly hosts?: readonly string[];
  /** Days from now; default -1 and 30. */
  readonly from?: number;
  readonly until?: number;
}

const DAY = 86_400_000;
let serial = 1;
const shared = pki.rsa.generateKeyPair(2048);

function certificate(
  name: string,
  keys: forge.pki.rsa.KeyPair,
  issuer: { readonly name: string; readonly key: forge.pki.rsa.PrivateKey },
  extensions: object[],
  from = -1,
  until = 30,
): Identity {
  const made = pki.createCertificate();
  made.publicKey = keys.publicKey;
  made.serialNumber = `0${(serial++).toString(16)}`.slice(-2);
  made.validity.notBefore = new Date(Date.now() + from * DAY);
  made.validity.notAfter = new Date(Date.now() + until * DAY);
  made.setSubject([{ name: 'commonName', value: name }]);
  made.setIssuer([{ name: 'commonName', value: issuer.name }]);
  made.setExtensions(extensions);
  made.sign(issuer.key, md.sha256.create());
  const der = Buffer.from(asn1.toDer(pki.certificateToAsn1(made)).getBytes(), 'binary');
  return { cert: pki.certificateToPem(made), key: pki.privateKeyToPem(keys.privateKey), keys, certificate: made, der };
}

/** A certification authority that signs itself. */
export class Authority {
  readonly name: string;
  readonly identity: Identity;

  constructor(name: string) {
    const keys = pki.rsa.generateKeyPair(2048);
    this.name = name;
    this.identity = certificate(name, keys, { name, key: keys.privateKey }, [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ]);
  }

  get cert(): string {
    return this.identity.cert;
  }

  leaf(options: LeafOptions = {}): Identity {
    const hosts = options.hosts ?? ['localhost', '127.0.0.1'];
    return certificate(
      options.name ?? hosts[0] ?? 'leaf',
      shared,
      { name: this.name, key: this.identity.keys.privateKey },
      [
        { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        {
          name: 'subjectAltName',
          altNames: hosts.map((host) => (/^[\d.]+$/.test(host) ? { type: 7, ip: host } : { type: 2, value: host })),
        },
      ],
      options.from,
      options.until,
    );
  }

  /** A revocation list (RFC 5280 5.1, version 1), current for a day. */
  crl(revoked: readonly Identity[]): string {
    const now = new Date(Date.now() - DAY);
    const next = new Date(Date.now() + DAY);
    const algorithm = sequence(oid('1.2.840.113549.1.1.11'), node(asn1.Type.NULL, ''));
    const list = sequence(
      algorithm,
      pki.distinguishedNameToAsn1(this.identity.certificate.subject),
      time(now),
      time(next),
      ...(revoked.length === 0
        ? []
        : [
            sequence(
              ...revoked.map((each) =>
                sequence(node(asn1.Type.INTEGER, util.hexToBytes(each.certificate.serialNumber)), time(now)),
              ),
            ),
          ]),
    );
    const digest = md.sha256.create();
    digest.update(asn1.toDer(list).getBytes());
    const signature = this.identity.keys.privateKey.sign(digest);
    const signed = sequence(list, algorithm, node(asn1.Type.BITSTRING, `\0${signature}`));
    const text = Buffer.from(asn1.toDer(signed).getBytes(), 'binary').toString('base64');
    return `-----BEGIN X509 CRL-----\n${text.replace(/.{64}/g, '$&\n')}\n-----END X509 CRL-----\n`;
  }
}

/** Certificate and key as PKCS#12 with AES. */
export function pkcs12(identity: Identity, password: string): Uint8Array {
  const made = forge.pkcs12.toPkcs12Asn1(identity.keys.privateKey, [identity.certificate], password, {
    algorithm: 'aes256',
  });
  return Buffer.from(asn1.toDer(made).getBytes(), 'binary');
}

function node(type: forge.asn1.Type, value: string): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, type, false, value);
}

function sequence(...parts: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, parts);
}

function oid(text: string): forge.asn1.Asn1 {
  return node(asn1.Type.OID, asn1.oidToDer(text).getBytes());
}

function time(at: Date): forge.asn1.Asn1 {
  return node(asn1.Type.UTCTIME, asn1.dateToUtcTime(at) as string);
}
