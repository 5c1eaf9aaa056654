/**
 * Reads the folder of a development PKI: what lies in it, and whether it belongs together. What is told about a
 * certificate is read from the certificate, whether this run made it or an earlier one.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as pkijs from 'pkijs';
import { instant } from '../base/clock.ts';
import { asError } from '../base/errors.ts';
import { CertificatesError } from './errors.ts';
import {
  AUTHORITIES,
  type AuthorityName,
  allFiles,
  type CertificateFiles,
  certificateFiles,
  LOCK,
  MANIFEST,
  revocationFiles,
  TRUST,
  UNFINISHED,
} from './layout.ts';
import { type PkiRole, type PlannedCertificate, plan } from './plan.ts';
import { checkSettings, DEFAULT_SETTINGS, type PkiAlgorithm, type PkiSettings } from './settings.ts';

/** One certificate and its files: absolute paths, but relative to the folder in the manifest. */
export interface PkiEntry {
  readonly name: string;
  readonly role: PkiRole;
  readonly algorithm: PkiAlgorithm;
  /** PEM file with the certificate alone. */
  readonly certificate: string;
  /** PEM file with certificate and intermediate, as a TLS server sends them; of a CA, its certificate. */
  readonly chain: string;
  /** PEM file with the private key: PKCS#8, not encrypted, mode 0600. */
  readonly key: string;
  /** PKCS#12 file with key and chain; none for CAs. */
  readonly pfx?: string;
  /** The same for old Windows and Java. */
  readonly legacyPfx?: string;
  /** The name as `CN=…, OU=DEV ONLY, O=…`. */
  readonly subject: string;
  /** SHA-256 of the certificate in hexadecimal. */
  readonly fingerprint: string;
  /** SHA-1 of the certificate in hexadecimal: what Windows and WCF call its thumbprint. */
  readonly thumbprint: string;
  /** ISO 8601. */
  readonly notBefore: string;
  /** ISO 8601. */
  readonly notAfter: string;
}

/** The revocation list of one CA; its paths as in `PkiEntry`. */
export interface PkiRevocationList {
  readonly name: AuthorityName;
  readonly algorithm: PkiAlgorithm;
  /** PEM file. */
  readonly file: string;
  /** DER file, with the same content. */
  readonly der: string;
  /** ISO 8601. */
  readonly thisUpdate: string;
  /** ISO 8601. */
  readonly nextUpdate: string;
  /** How many certificates it revokes. */
  readonly revoked: number;
}

export interface PkiContents {
  readonly settings: PkiSettings;
  /** PEM file with the root certificates: what a peer is told to trust. */
  readonly trust: string;
  readonly entries: readonly PkiEntry[];
  readonly crl: readonly PkiRevocationList[];
}

export type FolderState =
  | { readonly kind: 'empty' }
  /** Files, but no manifest: not a folder of ours, or not only. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'pki'; readonly complete: boolean; readonly settings: PkiSettings };

const FORMAT = 'surewire development PKI 1';

/** The text of the manifest. It is written first as incomplete and last as complete: an interrupted run is seen. */
export function manifest(settings: PkiSettings, contents?: PkiContents): string {
  const warning = 'DEV ONLY: never trust these certificates in production.';
  const complete = contents !== undefined;
  return `${JSON.stringify({ format: FORMAT, warning, complete, settings, ...contents }, undefined, 2)}\n`;
}

/**
 * Looks at a folder without changing it.
 *
 * @throws CertificatesError `CERTIFICATES_FOLDER_MIXED` for a manifest that cannot be understood,
 * `CERTIFICATES_FOLDER_UNWRITABLE` for a folder that cannot be read
 */
export async function inspectFolder(folder: string): Promise<FolderState> {
  let names: readonly string[];
  try {
    names = (await readdir(folder)).filter((name) => name !== LOCK && name !== `${MANIFEST}${UNFINISHED}`);
  } catch (thrown) {
    if (isMissing(thrown)) return { kind: 'empty' };
    throw folderUnusable(folder, thrown);
  }
  if (names.length === 0) return { kind: 'empty' };
  if (!names.includes(MANIFEST)) return { kind: 'foreign' };
  try {
    const parsed: unknown = JSON.parse(await readFile(join(folder, MANIFEST), 'utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('format' in parsed) || parsed.format !== FORMAT) {
      throw new TypeError(`its format is not "${FORMAT}"`);
    }
    const settings = { ...DEFAULT_SETTINGS, ...checkSettings('settings' in parsed ? parsed.settings : undefined) };
    return { kind: 'pki', complete: 'complete' in parsed && parsed.complete === true, settings };
  } catch (thrown) {
    throw mixed(folder, `${MANIFEST} in it cannot be understood`, thrown);
  }
}

/** The first file that is missing in the folder, if one is. */
export async function missingFile(folder: string, settings: PkiSettings): Promise<string | undefined> {
  const present = new Set(await readdir(folder, { recursive: true }).catch(unusable(folder)));
  return allFiles(settings).find((file) => !present.has(join(file)));
}

/**
 * Describes a folder in which no file is missing.
 *
 * @param prefix what the paths in the description begin with
 * @throws CertificatesError `CERTIFICATES_KEY_UNREADABLE`, `CERTIFICATES_FOLDER_MIXED`
 */
export async function describe(folder: string, settings: PkiSettings, prefix: string): Promise<PkiContents> {
  const entries: PkiEntry[] = [];
  const crl: PkiRevocationList[] = [];
  for (const algorithm of settings.algorithms) {
    let issuer: X509Certificate | undefined;
    // Only the names and roles of the plan are used, so its time does not matter.
    for (const planned of plan(settings, algorithm, instant(0))) {
      const files = certificateFiles(algorithm, planned);
      const certificate = await readCertificate(folder, files);
      if (!isIssuedBy(certificate, issuer ?? certificate)) {
        throw mixed(folder, `${files.certificate} was not issued by the CA beside it`);
      }
      if (files.leaf === undefined) issuer = certificate;
      entries.push(entryOf(prefix, algorithm, planned, files, certificate));
    }
    for (const name of AUTHORITIES) crl.push(await readRevocationList(folder, prefix, algorithm, name));
  }
  return { settings, trust: join(prefix, TRUST), entries, crl };
}

function entryOf(
  prefix: string,
  algorithm: PkiAlgorithm,
  { name, role }: PlannedCertificate,
  { certificate, key, leaf }: CertificateFiles,
  read: X509Certificate,
): PkiEntry {
  return {
    name,
    role,
    algorithm,
    certificate: join(prefix, certificate),
    chain: join(prefix, leaf?.chain ?? certificate),
    key: join(prefix, key),
    ...(leaf && { pfx: join(prefix, leaf.pfx), legacyPfx: join(prefix, leaf.legacyPfx) }),
    subject: read.subject.split('\n').reverse().join(', '),
    fingerprint: hexadecimal(read.fingerprint256),
    thumbprint: hexadecimal(read.fingerprint),
    notBefore: read.validFromDate.toISOString(),
    notAfter: read.validToDate.toISOString(),
  };
}

async function readCertificate(folder: string, { certificate, key }: CertificateFiles): Promise<X509Certificate> {
  const pem = await readFile(join(folder, certificate)).catch(unusable(folder));
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(pem);
  } catch (thrown) {
    throw mixed(folder, `${certificate} is no certificate`, thrown);
  }
  let matches: boolean;
  try {
    matches = x509.checkPrivateKey(createPrivateKey(await readFile(join(folder, key))));
  } catch (thrown) {
    const cause = asError(thrown);
    throw new CertificatesError(
      'CERTIFICATES_KEY_UNREADABLE',
      `The private key ${join(folder, key)} cannot be read (${cause.message}). Make it readable for this user, or make the certificates again with force.`,
      { cause },
    );
  }
  if (!matches) throw mixed(folder, `${key} is not the key of ${certificate}`);
  return x509;
}

async function readRevocationList(
  folder: string,
  prefix: string,
  algorithm: PkiAlgorithm,
  name: AuthorityName,
): Promise<PkiRevocationList> {
  const files = revocationFiles(algorithm, name);
  try {
    const list = pkijs.CertificateRevocationList.fromBER(await readFile(join(folder, files.der)));
    return {
      name,
      algorithm,
      file: join(prefix, files.pem),
      der: join(prefix, files.der),
      thisUpdate: list.thisUpdate.value.toISOString(),
      nextUpdate: (list.nextUpdate ?? list.thisUpdate).value.toISOString(),
      revoked: list.revokedCertificates?.length ?? 0,
    };
  } catch (thrown) {
    throw mixed(folder, `${files.der} is no revocation list`, thrown);
  }
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function hexadecimal(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT';
}

export function mixed(folder: string, what: string, cause?: unknown): CertificatesError {
  return new CertificatesError(
    'CERTIFICATES_FOLDER_MIXED',
    `The folder ${folder} is not as it was made: ${what}. Nothing was changed; name another folder, or use force to write the certificates there anyway.`,
    { cause },
  );
}

function unusable(folder: string): (thrown: unknown) => never {
  return (thrown) => {
    throw folderUnusable(folder, thrown);
  };
}

export function folderUnusable(folder: string, thrown: unknown): CertificatesError {
  const cause = asError(thrown);
  return new CertificatesError(
    'CERTIFICATES_FOLDER_UNWRITABLE',
    `The folder ${folder} cannot be used (${cause.message}). Name a folder that this user may make and write.`,
    { cause },
  );
}
