/**
 * The development PKI: in one folder everything that two peers need to try TLS and message security today, and the
 * expired and the revoked certificate that they must refuse. Once made it is kept until it would no longer serve.
 */
import { generateKeyPair } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Integer } from 'asn1js';
import { type Clock, type Instant, later, systemClock } from '../base/clock.ts';
import { makeFolder } from './folder.ts';
import {
  describe,
  type FolderState,
  folderUnusable,
  inspectFolder,
  manifest,
  missingFile,
  mixed,
  type PkiContents,
} from './inspect.ts';
import {
  AUTHORITIES,
  allFiles,
  certificateFiles,
  GITIGNORE,
  MANIFEST,
  README,
  revocationFiles,
  TRUST,
  UNFINISHED,
} from './layout.ts';
import { alone, isLocked } from './lock.ts';
import { LEGACY, MODERN, writePkcs12 } from './pkcs12.ts';
import { type PlannedCertificate, plan, SKEW } from './plan.ts';
import { readme } from './readme.ts';
import { checkSettings, DEFAULT_SETTINGS, type PkiAlgorithm, type PkiSettings } from './settings.ts';
import {
  type Authority,
  type IssuedCertificate,
  issueCertificate,
  issueRevocationList,
  type KeyPair,
  pem,
} from './x509.ts';

export interface PkiOptions extends Partial<PkiSettings> {
  /** Where the files go; made when it is not there. */
  readonly folder: string;
  /** Makes everything again, even among files of somebody else, of which only those with the PKI's own names are replaced. */
  readonly force?: boolean;
  /** What time it is; default the machine's clock. */
  readonly clock?: Clock;
  /** Told before each step, in words for a progress display. */
  readonly onStep?: (text: string) => void;
}

export interface PkiResult extends PkiContents {
  /** Absolute. */
  readonly folder: string;
  /** False when the folder already held what was asked for and nothing was changed. */
  readonly created: boolean;
  /** Why the certificates were made or kept, as a sentence. */
  readonly reason: string;
}

const DAY = 24 * 60 * 60 * 1000;
/** Certificates are made again when fewer days than this are left, or a third of their life if that is less. */
const RENEW_DAYS = 30;

const PUBLIC_MODE = 0o644;
const PRIVATE_MODE = 0o600;

const generate = promisify(generateKeyPair);

/**
 * Makes the development PKI in a folder, or keeps the one that is there: unless `force` is given it is made again only
 * when a setting that was given differs (a list counts as the same when it asks for nothing new), when a file is missing,
 * when an earlier run did not finish, or when less than 30 days or a third of the validity are left. Settings that were
 * not given are those of the earlier run; with `force` they are the defaults. Runs in one folder wait for each other.
 *
 * @returns what lies in the folder now, and whether this call made it
 * @throws CertificatesError `CERTIFICATES_DAYS_INVALID`, `CERTIFICATES_HOST_INVALID`, `CERTIFICATES_SETTING_INVALID`,
 * `CERTIFICATES_FOLDER_MIXED`, `CERTIFICATES_FOLDER_UNWRITABLE`, `CERTIFICATES_KEY_UNREADABLE`
 */
export async function developmentPki(options: PkiOptions): Promise<PkiResult> {
  const { folder: name, force = false, clock = systemClock, onStep = () => undefined, ...given } = options;
  const order: Order = { folder: resolve(name), wanted: checkSettings(given), force, now: clock.now(), onStep };
  // Most runs find what they need: these wait for nobody and write nothing.
  const first = await look(order).catch((thrown: unknown) => ifOurs(order.folder, thrown));
  if (first !== undefined && 'contents' in first) return kept(order, first.contents);
  return usable(order.folder, async () => {
    await makeFolder(order.folder);
    return alone(order.folder, async () => {
      // Another run may have made it meanwhile.
      const found = await look(order);
      return 'contents' in found ? kept(order, found.contents) : made(order, found);
    });
  });
}

/** What a run is to do. */
interface Order {
  readonly folder: string;
  readonly wanted: Partial<PkiSettings>;
  readonly force: boolean;
  readonly now: Instant;
  readonly onStep: (text: string) => void;
}

/** What has to be made, and why. */
interface Need {
  readonly settings: PkiSettings;
  readonly obsolete: readonly string[];
  readonly reason: string;
}

/** What serves, or what has to be made. */
async function look({ folder, wanted, force, now }: Order): Promise<{ readonly contents: PkiContents } | Need> {
  const state = force ? await inspectForced(folder) : await inspectFolder(folder);
  if (state.kind === 'foreign' && !force) throw mixed(folder, `it has files but no ${MANIFEST}`);
  const before = state.kind === 'pki' && !force ? state.settings : {};
  const found = state.kind === 'pki' && !force ? await judge(folder, state, wanted, now) : undefined;
  if (typeof found === 'object') return { contents: found };
  return {
    settings: { ...DEFAULT_SETTINGS, ...before, ...wanted },
    obsolete: state.kind === 'pki' ? allFiles(state.settings) : [],
    reason: found ?? (force ? 'Making them again was forced.' : 'There were none.'),
  };
}

/** A folder that another run may just be filling looks wrong in many ways: it is looked at again when that run is over. */
async function ifOurs(folder: string, thrown: unknown): Promise<undefined> {
  if (await isLocked(folder)) return undefined;
  throw thrown;
}

function kept({ folder }: Order, contents: PkiContents): PkiResult {
  return { folder, created: false, reason: 'The certificates that are there still serve.', ...contents };
}

async function made({ folder, now, onStep }: Order, { settings, obsolete, reason }: Need): Promise<PkiResult> {
  await make(folder, settings, now, obsolete, onStep);
  const contents = await describe(folder, settings, '');
  await replace(folder, MANIFEST, manifest(settings, contents), PUBLIC_MODE);
  return { folder, created: true, reason, ...(await describe(folder, settings, folder)) };
}

/** What the system says of the folder, as an error of this room. */
async function usable<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw thrown instanceof Error && 'syscall' in thrown ? folderUnusable(folder, thrown) : thrown;
  }
}

/** With force, a folder whose manifest cannot be understood is one of somebody else. */
async function inspectForced(folder: string): Promise<FolderState> {
  try {
    return await inspectFolder(folder);
  } catch {
    return { kind: 'foreign' };
  }
}

/** What the folder holds when that will do, or the sentence why it will not. */
async function judge(
  folder: string,
  { complete, settings }: FolderState & { kind: 'pki' },
  wanted: Partial<PkiSettings>,
  now: Instant,
): Promise<PkiContents | string> {
  if (!complete) return 'The last run did not finish.';
  for (const [name, value] of Object.entries(wanted)) {
    const has = settings[name as keyof PkiSettings];
    if (!serves(has, value)) return `The setting ${name} was ${JSON.stringify(has)}.`;
  }
  const missing = await missingFile(folder, settings);
  if (missing !== undefined) return `${missing} was missing.`;
  const contents = await describe(folder, settings, folder);
  const until = later(now, Math.min(RENEW_DAYS, settings.days / 3) * DAY);
  const expiring = contents.entries.find(({ role, notAfter }) => role !== 'expired' && Date.parse(notAfter) < until);
  if (expiring !== undefined)
    return `${expiring.algorithm}/${expiring.name} was valid until ${expiring.notAfter} only.`;
  const latest = later(now, settings.days * DAY + SKEW);
  const early = contents.entries.find(({ role, notAfter }) => role !== 'expired' && Date.parse(notAfter) > latest);
  if (early !== undefined)
    return `${early.algorithm}/${early.name} was made when the clock was ahead, and is not valid yet.`;
  return contents;
}

function serves(has: unknown, wanted: unknown): boolean {
  return Array.isArray(has) && Array.isArray(wanted) ? wanted.every((item) => has.includes(item)) : has === wanted;
}

async function make(
  folder: string,
  settings: PkiSettings,
  now: Instant,
  obsolete: readonly string[],
  onStep: (text: string) => void,
): Promise<void> {
  await makeFolder(folder);
  // First of all: from here on the folder is known to be one that a run did not finish.
  await replace(folder, MANIFEST, manifest(settings), PUBLIC_MODE);
  await replace(folder, GITIGNORE, '*\n', PUBLIC_MODE);
  const kept = new Set(allFiles(settings));
  for (const file of obsolete) if (!kept.has(file)) await rm(join(folder, file), { force: true });
  const roots: string[] = [];
  for (const algorithm of settings.algorithms) {
    await makeFolder(join(folder, algorithm));
    roots.push(await makeChain(folder, settings, algorithm, now, onStep));
  }
  await replace(folder, TRUST, roots.join(''), PUBLIC_MODE);
  await replace(folder, README, readme(settings), PUBLIC_MODE);
}

/** Makes one chain with all its leaves and lists; returns the PEM of its root. */
async function makeChain(
  folder: string,
  settings: PkiSettings,
  algorithm: PkiAlgorithm,
  now: Instant,
  onStep: (text: string) => void,
): Promise<string> {
  const planned = plan(settings, algorithm, now);
  onStep(`${algorithm}: ${planned.length} keys`);
  const keys = await Promise.all(planned.map(() => newKeys(algorithm, settings.rsaBits)));
  const authorities: Authority[] = [];
  /** The chain without the root: what a peer sends. */
  let sent: readonly Uint8Array[] = [];
  let root = '';
  const revoked: Integer[] = [];
  for (const [index, certificate] of planned.entries()) {
    const pair = keys[index];
    if (pair === undefined) throw new RangeError('there is one key for each certificate');
    onStep(`${algorithm}: ${certificate.name}`);
    const issued = issueCertificate(requestOf(certificate, settings, pair), authorities.at(-1));
    await writeCertificate(folder, algorithm, certificate, settings.password, issued, sent);
    if (certificate.role === 'root') root = pem('CERTIFICATE', issued.der);
    if (certificate.role === 'intermediate') sent = [issued.der];
    if (certificate.role === 'revoked') revoked.push(issued.serial);
    if (certificate.pathLength !== undefined) authorities.push(issued.authority);
  }
  onStep(`${algorithm}: revocation lists`);
  const nextUpdate = later(now, settings.days * DAY);
  for (const [index, name] of AUTHORITIES.entries()) {
    const authority = authorities[index];
    if (authority === undefined) throw new RangeError('the plan begins with its authorities');
    const der = issueRevocationList(authority, now, nextUpdate, name === 'intermediate' ? revoked : []);
    const files = revocationFiles(algorithm, name);
    await replace(folder, files.der, der, PUBLIC_MODE);
    await replace(folder, files.pem, pem('X509 CRL', der), PUBLIC_MODE);
  }
  return root;
}

function requestOf(
  { commonName, ...certificate }: PlannedCertificate,
  { organization }: PkiSettings,
  keys: KeyPair,
): Parameters<typeof issueCertificate>[0] {
  return { ...certificate, keys, subject: { commonName, organizationalUnit: 'DEV ONLY', organization } };
}

async function writeCertificate(
  folder: string,
  algorithm: PkiAlgorithm,
  planned: PlannedCertificate,
  password: string,
  { der, authority }: IssuedCertificate,
  issuers: readonly Uint8Array[],
): Promise<void> {
  const { privateKey } = authority.keys;
  const { certificate, key, leaf } = certificateFiles(algorithm, planned);
  await replace(folder, certificate, pem('CERTIFICATE', der), PUBLIC_MODE);
  await replace(folder, key, privateKey.export({ type: 'pkcs8', format: 'pem' }), PRIVATE_MODE);
  if (leaf === undefined) return;
  const certificates = [der, ...issuers];
  await replace(folder, leaf.chain, certificates.map((one) => pem('CERTIFICATE', one)).join(''), PUBLIC_MODE);
  const content = { friendlyName: `dev-only-${planned.name}`, privateKey, certificates };
  await replace(folder, leaf.pfx, writePkcs12(content, password, MODERN), PRIVATE_MODE);
  await replace(folder, leaf.legacyPfx, writePkcs12(content, password, LEGACY), PRIVATE_MODE);
}

function newKeys(algorithm: PkiAlgorithm, rsaBits: number): Promise<KeyPair> {
  return algorithm === 'rsa'
    ? generate('rsa', { modulusLength: rsaBits, publicExponent: 0x10001 })
    : generate('ec', { namedCurve: 'P-256' });
}

/** All of it or nothing, and a mode that is not that of what was there. */
async function replace(folder: string, file: string, content: string | Uint8Array, mode: number): Promise<void> {
  const path = join(folder, file);
  const unfinished = `${path}${UNFINISHED}`;
  await rm(unfinished, { force: true });
  await writeFile(unfinished, content, { flag: 'wx', mode });
  await rename(unfinished, path);
}
