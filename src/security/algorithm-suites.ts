/**
 * Algorithm suites as rows: the sixteen of WS-SecurityPolicy 1.3 (section 6.1) and modern ones. A suite says both what is
 * written and what is accepted, so that nothing a message names goes beyond it (attacks K4, P2). Rows with a weakness are
 * only given to those who name the weakness.
 */
import {
  type AcceptedEncryption,
  acceptedEncryption,
  aes128Cbc,
  aes128Gcm,
  aes192Cbc,
  aes192Gcm,
  aes256Cbc,
  aes256Gcm,
  type ContentCipher,
  concatKdf,
  ecdhEs,
  type HashRow,
  hkdf,
  type KeyAgreement,
  type KeyTransport,
  type KeyWrap,
  kwAes128,
  kwAes192,
  kwAes256,
  mgf1Sha1,
  mgf1Sha256,
  mgf1Sha384,
  mgf1Sha512,
  oaepSha1,
  rsaOaep,
  rsaOaepMgf1p,
  unsafeKwTripleDes,
  unsafeRsa15,
  unsafeTripleDesCbc,
  x448,
  x25519,
} from './encryption/algorithms.ts';
import { SecurityError } from './errors.ts';
import { type KeyRange, type KeyRanges, rsaRange } from './key-ranges.ts';
import {
  type DigestAlgorithm,
  ecdsaSha256,
  ecdsaSha384,
  ecdsaSha512,
  ed25519,
  hmacSha256,
  hmacSha384,
  hmacSha512,
  rsaPssSha256,
  rsaPssSha384,
  rsaPssSha512,
  rsaSha256,
  rsaSha384,
  rsaSha512,
  type SignatureAlgorithm,
  type SignatureFamily,
  sha256,
  sha384,
  sha512,
  unsafeHmacSha1,
  unsafeRsaSha1,
  unsafeSha1,
} from './suites.ts';

/** Takes suites that sign or digest with SHA-1. Two texts can be made that have one digest. */
export const unsafeSuiteSha1: unique symbol = Symbol('unsafeSuiteSha1');
/** Takes suites that transport keys with RSA-1.5 (attack E1). */
export const unsafeSuiteRsa15: unique symbol = Symbol('unsafeSuiteRsa15');
/** Takes suites that encrypt with triple DES. */
export const unsafeSuiteTripleDes: unique symbol = Symbol('unsafeSuiteTripleDes');
export type SuiteWeakness = typeof unsafeSuiteSha1 | typeof unsafeSuiteRsa15 | typeof unsafeSuiteTripleDes;

export interface AlgorithmSuite {
  /** As the policy assertion is called, for the sixteen of WS-SecurityPolicy. */
  readonly name: string;
  readonly weaknesses: readonly SuiteWeakness[];
  readonly digest: DigestAlgorithm;
  /** Under a secret. */
  readonly symmetricSignature: SignatureAlgorithm;
  /** Under a private key, by the kind of key; a kind that is absent does not sign under this suite. */
  readonly asymmetricSignature: Partial<Readonly<Record<SignatureFamily, SignatureAlgorithm>>>;
  /** CBC has no integrity of its own: a policy with such a suite has to require signatures (attacks E2, E11). */
  readonly content: ContentCipher;
  readonly wrap: KeyWrap;
  readonly transport: KeyTransport;
  /** Of OAEP. */
  readonly oaep: { readonly digest: HashRow; readonly mask: HashRow };
  readonly agreement: readonly KeyAgreement[];
  /** Octets of a derived key that encrypts. */
  readonly encryptionKey: number;
  /** Octets of a derived key that signs. */
  readonly signatureKey: number;
  /** How long keys have to be, of what is sent and of what is accepted. */
  readonly keys: KeyRanges;
  /** What is accepted, and nothing else. */
  readonly accepted: {
    readonly signatures: readonly SignatureAlgorithm[];
    readonly macs: readonly SignatureAlgorithm[];
    readonly digests: readonly DigestAlgorithm[];
    readonly encryption: AcceptedEncryption;
  };
}

/** A message may be signed with SHA-1 under a suite whose name says Sha256: the text changes the digest only, WCF changes both. */
export type SuiteReading = 'wcf' | 'as-written';

interface Base {
  readonly name: string;
  readonly content: ContentCipher;
  readonly wrap: KeyWrap;
  /** Octets. */
  readonly signatureKey: number;
}
/** Section 6.1; the lengths are those of the table in the suites' own text. */
const bases: readonly Base[] = [
  { name: 'Basic256', content: aes256Cbc, wrap: kwAes256, signatureKey: 24 },
  { name: 'Basic192', content: aes192Cbc, wrap: kwAes192, signatureKey: 24 },
  { name: 'Basic128', content: aes128Cbc, wrap: kwAes128, signatureKey: 16 },
  { name: 'TripleDes', content: unsafeTripleDesCbc, wrap: unsafeKwTripleDes, signatureKey: 24 },
];

interface Hashes {
  readonly digest: DigestAlgorithm;
  readonly mac: SignatureAlgorithm;
  readonly mask: HashRow;
  readonly signatures: AlgorithmSuite['asymmetricSignature'];
}
const withSha1: Hashes = {
  digest: unsafeSha1,
  mac: unsafeHmacSha1,
  mask: mgf1Sha1,
  signatures: { rsa: unsafeRsaSha1 },
};
const withSha256: Hashes = {
  digest: sha256,
  mac: hmacSha256,
  mask: mgf1Sha256,
  signatures: { rsa: rsaSha256, 'rsa-pss': rsaPssSha256, ecdsa: ecdsaSha256, ed25519 },
};
const withSha384: Hashes = {
  digest: sha384,
  mac: hmacSha384,
  mask: mgf1Sha384,
  signatures: { rsa: rsaSha384, 'rsa-pss': rsaPssSha384, ecdsa: ecdsaSha384, ed25519 },
};
const withSha512: Hashes = {
  digest: sha512,
  mac: hmacSha512,
  mask: mgf1Sha512,
  signatures: { rsa: rsaSha512, 'rsa-pss': rsaPssSha512, ecdsa: ecdsaSha512, ed25519 },
};

/**
 * The text takes RSA keys from 1024 bits, which are too few today: all suites have the range of those without a suite.
 *
 * @param shortest octets of the shortest derived key that may sign; peers give suites with GCM the lengths of the text's
 */
function keyRanges(symmetric: KeyRange, shortest: number): KeyRanges {
  const derived = Object.freeze({ least: 8 * shortest, most: 512 });
  return Object.freeze({ rsa: rsaRange, symmetric: Object.freeze(symmetric), derived });
}

function standard(base: Base, reading: SuiteReading | undefined, rsa15: boolean): AlgorithmSuite {
  const isSha256 = reading !== undefined;
  const written = reading === 'wcf' ? withSha256 : withSha1;
  const digest = isSha256 ? sha256 : unsafeSha1;
  // Under the text's reading both are taken, because the peers of one name do both.
  const signing = reading === 'as-written' ? [withSha1, withSha256] : [written];
  const weaknesses: SuiteWeakness[] = [];
  if (reading !== 'wcf') weaknesses.push(unsafeSuiteSha1);
  if (rsa15) weaknesses.push(unsafeSuiteRsa15);
  if (base.content === unsafeTripleDesCbc) weaknesses.push(unsafeSuiteTripleDes);
  const transport = rsa15 ? unsafeRsa15 : rsaOaepMgf1p;
  return suite({
    name: `${base.name}${isSha256 ? 'Sha256' : ''}${rsa15 ? 'Rsa15' : ''}`,
    weaknesses,
    digest,
    symmetricSignature: written.mac,
    asymmetricSignature: written.signatures,
    content: base.content,
    wrap: base.wrap,
    transport,
    oaep: { digest: oaepSha1, mask: mgf1Sha1 },
    agreement: [],
    encryptionKey: base.content.keyLength,
    signatureKey: base.signatureKey,
    keys: keyRanges({ least: 8 * base.content.keyLength, most: 256 }, base.signatureKey),
    accepted: {
      signatures: signing.flatMap((one) => Object.values(one.signatures)),
      macs: signing.map((one) => one.mac),
      digests: [digest],
      encryption: acceptedEncryption({
        content: [base.content],
        transports: [transport],
        wraps: [base.wrap],
        agreements: [],
        derivations: [],
        oaepDigests: [oaepSha1],
        masks: [mgf1Sha1],
      }),
    },
  });
}

function modern(name: string, content: ContentCipher, wrap: KeyWrap, hashes: Hashes): AlgorithmSuite {
  const agreement = [ecdhEs, x25519, x448];
  return suite({
    name,
    weaknesses: [],
    digest: hashes.digest,
    symmetricSignature: hashes.mac,
    asymmetricSignature: hashes.signatures,
    content,
    wrap,
    transport: rsaOaep,
    oaep: { digest: hashes.digest, mask: hashes.mask },
    agreement,
    encryptionKey: content.keyLength,
    signatureKey: 32,
    keys: keyRanges({ least: 8 * content.keyLength, most: 512 }, Math.min(24, content.keyLength)),
    accepted: {
      signatures: Object.values(hashes.signatures),
      macs: [hashes.mac],
      digests: [hashes.digest],
      encryption: acceptedEncryption({
        content: [content],
        transports: [rsaOaep],
        wraps: [wrap],
        agreements: agreement,
        derivations: [concatKdf, hkdf],
        oaepDigests: [hashes.digest],
        masks: [hashes.mask],
      }),
    },
  });
}

function suite(row: AlgorithmSuite): AlgorithmSuite {
  const { accepted } = row;
  return Object.freeze({
    ...row,
    weaknesses: Object.freeze([...row.weaknesses]),
    accepted: Object.freeze({
      signatures: Object.freeze([...new Set(accepted.signatures)]),
      macs: Object.freeze(accepted.macs),
      digests: Object.freeze(accepted.digests),
      encryption: accepted.encryption,
    }),
  });
}

const readings: readonly (SuiteReading | undefined)[] = [undefined, 'wcf', 'as-written'];
const standards: readonly (readonly [SuiteReading, AlgorithmSuite])[] = bases.flatMap((base) =>
  readings.flatMap((reading) =>
    [false, true].flatMap((rsa15) => {
      const row = standard(base, reading, rsa15);
      return reading === undefined ? [['wcf', row] as const, ['as-written', row] as const] : [[reading, row] as const];
    }),
  ),
);
const moderns: readonly AlgorithmSuite[] = [
  modern('Aes128GcmSha256', aes128Gcm, kwAes128, withSha256),
  modern('Aes192GcmSha384', aes192Gcm, kwAes192, withSha384),
  modern('Aes256GcmSha256', aes256Gcm, kwAes256, withSha256),
  modern('Aes256GcmSha384', aes256Gcm, kwAes256, withSha384),
  modern('Aes256GcmSha512', aes256Gcm, kwAes256, withSha512),
];

const byReading: Readonly<Record<SuiteReading, ReadonlyMap<string, AlgorithmSuite>>> = Object.freeze({
  wcf: named('wcf'),
  'as-written': named('as-written'),
});

function named(reading: SuiteReading): ReadonlyMap<string, AlgorithmSuite> {
  const rows = [...standards.filter(([whose]) => whose === reading).map(([, row]) => row), ...moderns];
  return new Map(rows.map((row) => [row.name, row]));
}

/** The names of all rows: those of WS-SecurityPolicy 1.3, then the modern ones. */
export const algorithmSuiteNames: readonly string[] = Object.freeze([...byReading.wcf.keys()]);

export interface AlgorithmSuiteOptions {
  /** The weaknesses that are taken, each by its symbol. */
  readonly unsafe?: readonly SuiteWeakness[];
  /** How a name with Sha256 is read. Default `wcf`: the signatures are SHA-256 as well. */
  readonly reading?: SuiteReading;
}

/**
 * The row of a name.
 *
 * @throws SecurityError `SECURITY_POLICY` when there is no such row, or it has a weakness that was not asked for
 */
export function algorithmSuite(name: string, options: AlgorithmSuiteOptions = {}): AlgorithmSuite {
  const row = byReading[options.reading ?? 'wcf'].get(name);
  if (row === undefined) {
    throw new SecurityError('SECURITY_POLICY', `There is no algorithm suite "${name}".`);
  }
  const missing = row.weaknesses.filter((weakness) => !options.unsafe?.includes(weakness));
  if (missing.length > 0) {
    const names = missing.map((one) => one.description).join(', ');
    throw new SecurityError('SECURITY_POLICY', `The algorithm suite ${name} needs ${names}.`);
  }
  return row;
}
