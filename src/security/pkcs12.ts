/**
 * Reads PKCS#12 files (RFC 7292) of every era: AES under PBES2 as well as RC2 and triple DES, which Node refuses without its
 * legacy provider and node-forge decrypts by itself (RC2 of 40 bits, as Windows and OpenSSL wrote it). RSA, EC and Ed25519 keys alike: the octets are handed to the platform.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import forge from 'node-forge';
import { type Certificate, certificate } from './certificates.ts';
import { SecurityError } from './errors.ts';

export interface Pkcs12Keys {
  readonly privateKey: KeyObject;
  /** The certificate of the key first, then the others of the file. */
  readonly certificates: readonly Certificate[];
}

/** Octets of the largest file, and the most bags in it. */
export const pkcs12Limits: Readonly<Record<'octets' | 'bags', number>> = Object.freeze({ octets: 1_048_576, bags: 64 });

const { asn1, pkcs12, pki } = forge;
/** keyBag and pkcs8ShroudedKeyBag, RFC 7292 section 4.2. */
const keyBags: readonly string[] = ['1.2.840.113549.1.12.10.1.1', '1.2.840.113549.1.12.10.1.2'];
const certBag = '1.2.840.113549.1.12.10.1.3';

/**
 * The one key of a file and its certificates.
 *
 * @throws SecurityError `SECURITY_KEY` for a wrong passphrase, no key, two keys, or what cannot be read; `SECURITY_LIMIT`;
 *   `SECURITY_CERTIFICATE_MALFORMED` when the file has no certificate of the key
 */
export function readPkcs12(octets: Uint8Array, passphrase: string): Pkcs12Keys {
  if (octets.length > pkcs12Limits.octets) {
    throw new SecurityError('SECURITY_LIMIT', `A PKCS#12 file of ${octets.length} octets is too large.`);
  }
  const bags = open(octets, passphrase);
  if (bags.length > pkcs12Limits.bags) {
    throw new SecurityError('SECURITY_LIMIT', `A PKCS#12 file of ${bags.length} parts is too large.`);
  }
  const [key, second] = bags.filter((bag) => keyBags.includes(bag.type));
  if (key === undefined || second !== undefined) {
    throw new SecurityError('SECURITY_KEY', 'A PKCS#12 file does not hold exactly one private key.');
  }
  const privateKey = keyOf(key);
  const found = bags.filter((bag) => bag.type === certBag).map(certificateOf);
  const publicKey = createPublicKey(privateKey);
  const own = found.find((one) => one.key.equals(publicKey));
  if (own === undefined) {
    throw new SecurityError('SECURITY_CERTIFICATE_MALFORMED', 'A PKCS#12 file has no certificate of its key.');
  }
  return { privateKey, certificates: [own, ...found.filter((one) => one !== own)] };
}

function open(octets: Uint8Array, passphrase: string): readonly forge.pkcs12.Bag[] {
  try {
    const file = pkcs12.pkcs12FromAsn1(asn1.fromDer(Buffer.from(octets).toString('latin1')), passphrase);
    return file.safeContents.flatMap((one) => one.safeBags);
  } catch (cause) {
    // The cause is node-forge's: it names the structure or the checksum, never the passphrase.
    throw new SecurityError('SECURITY_KEY', 'The PKCS#12 file cannot be read; is the passphrase right?', { cause });
  }
}

/** node-forge knows RSA keys; of the others it leaves the structure as it found it. */
function keyOf({ key, asn1: structure }: forge.pkcs12.Bag): KeyObject {
  try {
    const info = key ? pki.wrapRsaPrivateKey(pki.privateKeyToAsn1(key)) : structure;
    if (!info) throw new RangeError('an empty bag');
    return createPrivateKey({ key: der(info), format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw new SecurityError('SECURITY_KEY', 'The private key of the PKCS#12 file cannot be read.', { cause });
  }
}

function certificateOf({ cert, asn1: structure }: forge.pkcs12.Bag): Certificate {
  const value = cert ? pki.certificateToAsn1(cert) : structure;
  if (!value) throw new SecurityError('SECURITY_CERTIFICATE_MALFORMED', 'A PKCS#12 file has an empty certificate.');
  return certificate(new Uint8Array(der(value)));
}

/** node-forge's strings hold one octet in each character. */
function der(value: forge.asn1.Asn1): Buffer {
  return Buffer.from(asn1.toDer(value).getBytes(), 'latin1');
}
