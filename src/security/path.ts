/**
 * Certification path validation (RFC 5280 section 6) with PKI.js: path building, validity of every certificate, basic
 * constraints, key usage of issuers, policies and name constraints. Added here: the path length, the leaf's key usage,
 * critical extensions, revocation lists and OCSP responses that fail closed, and a second check of every signature by OpenSSL.
 */
import { X509Certificate } from 'node:crypto';
import * as pkijs from 'pkijs';
import { type Instant, instant } from '../base/clock.ts';
import { asPem, type Certificate, pemBlocks, requireValidity } from './certificates.ts';
import { SecurityError } from './errors.ts';
import type { OcspChecker } from './ocsp.ts';

/** Revocation lists, PEM text or DER octets. */
export type RevocationSource = readonly (string | Uint8Array)[];

export interface PathRules {
  readonly anchors: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  readonly revocation: RevocationSource;
  readonly ocsp: OcspChecker | undefined;
  readonly revocationRequired: boolean;
  readonly extendedUsages: readonly string[];
}

/** How long a path that was found holds without looking again. */
export interface Path {
  readonly from: Instant;
  readonly until: Instant;
}

const extension = Object.freeze({
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  extendedKeyUsage: '2.5.29.37',
});
/** Extensions that are processed, so that they may be critical. */
const processed: ReadonlySet<string> = new Set([
  extension.keyUsage,
  extension.basicConstraints,
  extension.extendedKeyUsage,
  '2.5.29.14', // subjectKeyIdentifier
  '2.5.29.35', // authorityKeyIdentifier
  '2.5.29.17', // subjectAltName
  '2.5.29.30', // nameConstraints
  '2.5.29.31', // cRLDistributionPoints
  '2.5.29.32', // certificatePolicies
  '2.5.29.33', // policyMappings
  '2.5.29.36', // policyConstraints
  '2.5.29.54', // inhibitAnyPolicy
]);
/** Bits of the first octet of keyUsage. */
const digitalSignature = 0x80;
const nonRepudiation = 0x40;
const crlSign = 0x02;

/**
 * @throws SecurityError `SECURITY_CERTIFICATE_REVOCATION` when a revocation list cannot be read
 */
export function pathFinder(
  rules: PathRules,
): (leaf: Certificate, at: Instant, others?: readonly Certificate[]) => Promise<Path> {
  const anchored = new Set(rules.anchors.map((one) => one.fingerprint));
  for (const one of rules.anchors) parsed(one);
  const lists = rules.revocation.flatMap(readLists);
  return async (leaf, at, others = []) => {
    requireValidity(leaf, at);
    const own = parsed(leaf);
    requireKnownExtensions(own, leaf);
    requireUsage(own, leaf, rules.extendedUsages);
    const path = anchored.has(leaf.fingerprint) ? [own] : await build(own, leaf, at, others);
    const chain = path.map(original);
    requireLinks(chain, path, anchored);
    const fresh = await requireUnrevoked(chain, path, at);
    return {
      from: instant(Math.max(...chain.map((one) => one.notBefore))),
      until: instant(Math.min(fresh, ...chain.map((one) => one.notAfter))),
    };
  };

  async function build(
    own: pkijs.Certificate,
    leaf: Certificate,
    at: Instant,
    others: readonly Certificate[],
  ): Promise<pkijs.Certificate[]> {
    const between = [...rules.intermediates, ...others].filter(
      (one) => one.fingerprint !== leaf.fingerprint && !anchored.has(one.fingerprint),
    );
    let refused = noPath(leaf, 'No issuer of it leads there', undefined);
    let tried = 0;
    for (const [anchor, ...above] of candidatePaths(leaf, between, rules.anchors)) {
      const engine = new pkijs.CertificateChainValidationEngine({
        trustedCerts: [parsed(anchor)],
        certs: [...above.map(parsed), own],
        checkDate: new Date(at),
      });
      const result = await engine.verify();
      if (result.result && result.certificatePath !== undefined) return result.certificatePath;
      refused = noPath(leaf, result.resultMessage, result.resultCode);
      if (++tried === pathLimits.paths) break;
    }
    throw refused;
  }

  /** Returns until when the lists that were used are current. */
  async function requireUnrevoked(
    chain: readonly Certificate[],
    path: readonly pkijs.Certificate[],
    at: Instant,
  ): Promise<number> {
    let until = Number.POSITIVE_INFINITY;
    for (let index = 0; index + 1 < path.length; index++) {
      const [subject, issuer, name] = [path[index], path[index + 1], chain[index]?.subject];
      if (subject === undefined || issuer === undefined) continue;
      let current = false;
      let stale = false;
      for (const list of lists) {
        if (list.thisUpdate.value.getTime() > at || !(await isListOf(list, issuer))) continue;
        if (list.isCertificateRevoked(subject)) {
          throw new SecurityError('SECURITY_CERTIFICATE_REVOKED', `The certificate of ${name} is revoked.`);
        }
        const next = list.nextUpdate?.value.getTime() ?? Number.POSITIVE_INFINITY;
        if (next < at) stale = true;
        else {
          current = true;
          until = Math.min(until, next);
        }
      }
      const status = current ? undefined : await rules.ocsp?.(subject, issuer, at);
      if (status?.kind === 'revoked') {
        throw new SecurityError('SECURITY_CERTIFICATE_REVOKED', `The certificate of ${name} is revoked.`);
      }
      if (status?.kind === 'good') {
        current = true;
        until = Math.min(until, status.until);
      }
      if (!current && (stale || rules.revocationRequired)) {
        throw new SecurityError(
          'SECURITY_CERTIFICATE_REVOCATION',
          `Whether the certificate of ${name} is revoked is not known: ${stale ? 'the list is out of date' : 'there is no list'}.`,
        );
      }
    }
    return until;
  }
}

function noPath(leaf: Certificate, why: string, code: number | undefined): SecurityError {
  return new SecurityError(
    code === 8 ? 'SECURITY_CERTIFICATE_EXPIRED' : 'SECURITY_CERTIFICATE_UNTRUSTED',
    `There is no valid path from ${leaf.subject} (issued by ${leaf.issuer}) to an anchor: ${why}.`,
  );
}

/** Paths that are tried, certificates of one, and signatures that are verified to find them. */
const pathLimits = Object.freeze({ paths: 8, certificates: 10, signatures: 64 });

/**
 * The paths from a leaf to an anchor, the anchor first and without the leaf. A name with one key stands in a path once: PKI.js
 * walks from issuer to issuer, and would not come back where two certificates issued one another.
 */
function* candidatePaths(
  leaf: Certificate,
  between: readonly Certificate[],
  anchors: readonly Certificate[],
): Generator<readonly [Certificate, ...Certificate[]]> {
  let signatures = 0;
  const issuers = [...anchors, ...between].map((one) => ({ one, x509: new X509Certificate(one.der) }));
  type Step = (typeof issuers)[number];
  function* above(path: readonly [Step, ...Step[]]): ReturnType<typeof candidatePaths> {
    const [last] = path;
    for (const issuer of issuers) {
      const { one, x509 } = issuer;
      if (!last.x509.checkIssued(x509)) continue;
      if (path.some((each) => each.one.subject === one.subject && each.one.keyFingerprint === one.keyFingerprint))
        continue;
      if (++signatures > pathLimits.signatures) return;
      if (!last.x509.verify(x509.publicKey)) continue;
      if (anchors.includes(one)) yield [one, ...path.slice(0, -1).map((each) => each.one)];
      else if (path.length < pathLimits.certificates) yield* above([issuer, ...path]);
    }
  }
  yield* above([{ one: leaf, x509: new X509Certificate(leaf.der) }]);
}

const originals = new WeakMap<pkijs.Certificate, Certificate>();

/** The certificate that PKI.js was given, so that its own encoding of it never matters. */
function original(of: pkijs.Certificate): Certificate {
  const found = originals.get(of);
  if (found !== undefined) return found;
  throw new SecurityError('SECURITY_CERTIFICATE_UNTRUSTED', 'A path holds a certificate that was not given.');
}

function parsed(one: Certificate): pkijs.Certificate {
  try {
    const read = pkijs.Certificate.fromBER(Uint8Array.from(one.der));
    originals.set(read, one);
    return read;
  } catch (cause) {
    throw new SecurityError('SECURITY_CERTIFICATE_MALFORMED', `The certificate of ${one.subject} cannot be read.`, {
      cause,
    });
  }
}

function readLists(source: string | Uint8Array): readonly pkijs.CertificateRevocationList[] {
  const text = typeof source === 'string' ? source : asPem(source);
  const blocks = text === undefined ? [source as Uint8Array] : pemBlocks(text, 'X509 CRL');
  try {
    if (blocks.length === 0) throw new RangeError('no X509 CRL block');
    return blocks.map((block) => {
      const list = pkijs.CertificateRevocationList.fromBER(Uint8Array.from(block));
      // A list that covers only some certificates or only changes says so in a critical extension.
      if (list.crlExtensions?.extensions.some((one) => one.critical)) throw new RangeError('a partial or delta list');
      return list;
    });
  } catch (cause) {
    throw new SecurityError('SECURITY_CERTIFICATE_REVOCATION', 'A revocation list cannot be used.', { cause });
  }
}

async function isListOf(list: pkijs.CertificateRevocationList, issuer: pkijs.Certificate): Promise<boolean> {
  if (!list.issuer.isEqual(issuer.subject)) return false;
  const usage = keyUsageOf(issuer);
  if (usage !== undefined && (usage & crlSign) === 0) return false;
  try {
    return await list.verify({ issuerCertificate: issuer });
  } catch {
    return false;
  }
}

function keyUsageOf(of: pkijs.Certificate): number | undefined {
  const found = of.extensions?.find((one) => one.extnID === extension.keyUsage);
  if (found === undefined) return undefined;
  const bits = found.parsedValue?.valueBlock?.valueHexView as Uint8Array | undefined;
  return bits?.[0] ?? 0;
}

function requireKnownExtensions(own: pkijs.Certificate, leaf: Certificate): void {
  const seen = new Set<string>();
  for (const one of own.extensions ?? []) {
    if ((one.critical && !processed.has(one.extnID)) || seen.has(one.extnID)) {
      throw new SecurityError(
        'SECURITY_CERTIFICATE_USAGE',
        `The certificate of ${leaf.subject} has the critical or repeated extension ${one.extnID}.`,
      );
    }
    seen.add(one.extnID);
  }
}

function requireUsage(own: pkijs.Certificate, leaf: Certificate, extendedUsages: readonly string[]): void {
  const usage = keyUsageOf(own);
  if (usage !== undefined && (usage & (digitalSignature | nonRepudiation)) === 0) {
    throw new SecurityError('SECURITY_CERTIFICATE_USAGE', `The key of ${leaf.subject} is not meant for signatures.`);
  }
  if (extendedUsages.length === 0) return;
  const extended = own.extensions?.find((one) => one.extnID === extension.extendedKeyUsage)?.parsedValue;
  const purposes = extended instanceof pkijs.ExtKeyUsage ? extended.keyPurposes : [];
  if (!purposes.some((purpose) => extendedUsages.includes(purpose))) {
    throw new SecurityError(
      'SECURITY_CERTIFICATE_USAGE',
      `The certificate of ${leaf.subject} is for none of the extended usages ${extendedUsages.join(', ')}.`,
    );
  }
}

/** The same path once more, by OpenSSL: issued by, signed by, allowed to issue, and not longer than allowed. */
function requireLinks(
  chain: readonly Certificate[],
  path: readonly pkijs.Certificate[],
  anchored: ReadonlySet<string>,
): void {
  const fail = (why: string) => {
    throw new SecurityError('SECURITY_CERTIFICATE_UNTRUSTED', `The path of ${chain[0]?.subject} is refused: ${why}.`);
  };
  const x509 = chain.map((one) => new X509Certificate(one.der));
  if (!anchored.has(chain.at(-1)?.fingerprint ?? '')) fail('it does not end at an anchor');
  for (let index = 0; index + 1 < x509.length; index++) {
    const [subject, issuer] = [x509[index], x509[index + 1]];
    if (subject === undefined || issuer === undefined) continue;
    if (!issuer.ca || !subject.checkIssued(issuer) || !subject.verify(issuer.publicKey)) fail('a link does not hold');
    const constraints = path[index + 1]?.extensions?.find((one) => one.extnID === extension.basicConstraints);
    const value = constraints?.parsedValue;
    const limit = value instanceof pkijs.BasicConstraints ? value.pathLenConstraint : undefined;
    const longest = limit === undefined || typeof limit === 'number' ? limit : limit.valueBlock.valueDec;
    const below = chain.slice(1, index + 1).filter((one) => one.subject !== one.issuer).length;
    if (longest !== undefined && below > longest) fail('it is longer than an issuer allows');
  }
}
