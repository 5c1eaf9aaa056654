/**
 * Who may speak. A `Trust` decides on the certificate itself, never on how a message referred to it (attacks K1, K9,
 * K10). Chains are built and checked by PKI.js (RFC 5280 section 6) and every link of what it found is checked once more
 * by OpenSSL; results are kept for a bounded time, so that a known peer costs a look-up.
 */
import { type Instant, later } from '../base/clock.ts';
import { BoundedMap } from './bounded.ts';
import { type Certificate, type CertificateSource, certificates, requireValidity } from './certificates.ts';
import { SecurityError } from './errors.ts';
import { type OcspOptions, ocspChecker } from './ocsp.ts';
import { type Path, pathFinder, type RevocationSource } from './path.ts';

export interface Trust {
  /** Certificates that a message may merely refer to (by issuer and serial, key identifier or thumbprint). */
  readonly known: readonly Certificate[];
  /**
   * Settles when `certificate` may speak at `at`; `undefined` at once when that was found out not long ago.
   *
   * @param others certificates that came with it (PKIPath, PKCS#7): candidates for its path, believed in nothing
   * @throws SecurityError (as a rejection, or at once) `SECURITY_CERTIFICATE_*`
   */
  accept(certificate: Certificate, at: Instant, others?: readonly Certificate[]): Promise<void> | undefined;
}

/** Which of the certificates that a trust accepts is meant; all that is given has to be true. */
export interface ExpectedPeer {
  /** A DNS name or IP address among the subject alternative names. */
  readonly host?: string;
  /** The whole subject, as `Certificate.subject` writes it. */
  readonly subject?: string;
  /** SHA-256 fingerprints, one of which it has to be; hex, colons allowed. */
  readonly fingerprints?: readonly string[];
}

export interface ChainTrustOptions {
  /** The authorities that are believed; a path has to end at one of them. A leaf that stands here is believed itself. */
  readonly anchors: CertificateSource;
  /** What may stand between; a message's own token need then hold the leaf only. */
  readonly intermediates?: CertificateSource;
  /** Revocation lists, PEM or DER. */
  readonly revocation?: RevocationSource;
  /** OCSP, where no current list says anything of a certificate. */
  readonly ocsp?: OcspOptions;
  /** `required`: every certificate needs a current list. `available` (default): a list counts where there is one. */
  readonly revocationMode?: 'available' | 'required';
  /** OIDs of which the leaf's extended key usage has to name one. Default: none is asked for. */
  readonly extendedUsages?: readonly string[];
  readonly peer?: ExpectedPeer;
  /** Certificates that messages may refer to without including them. */
  readonly known?: CertificateSource;
  /** How long a result is kept, in milliseconds. Default 5 minutes. */
  readonly keep?: number;
}

/** How long a refusal is kept: long enough to spare the work, short enough to notice a mended configuration. */
const keepRefusals = 10_000;
/** Results that are kept, of each kind. */
const kept = 1_000;

/**
 * Trust by certification path (WCF's ChainTrust).
 *
 * @throws SecurityError `SECURITY_CERTIFICATE_MALFORMED`, `SECURITY_CERTIFICATE_REVOCATION` when a source is not readable
 */
export function trustChain(options: ChainTrustOptions): Trust {
  const find = pathFinder({
    anchors: certificates(options.anchors),
    intermediates: options.intermediates === undefined ? [] : certificates(options.intermediates),
    revocation: options.revocation ?? [],
    ocsp: options.ocsp === undefined ? undefined : ocspChecker(options.ocsp),
    revocationRequired: options.revocationMode === 'required',
    extendedUsages: options.extendedUsages ?? [],
  });
  const expected = expectation(options.peer);
  const keep = options.keep ?? 300_000;
  const accepted = new BoundedMap<string, Path>(kept);
  const refused = new BoundedMap<string, { readonly until: Instant; readonly error: unknown }>(kept);
  const underWay = new Map<string, Promise<void>>();
  const decide = async (leaf: Certificate, at: Instant, others: readonly Certificate[], key: string): Promise<void> => {
    try {
      expected(leaf);
      const path = await find(leaf, at, others);
      const until = Math.min(path.until, later(at, keep)) as Instant;
      accepted.set(leaf.fingerprint, { from: path.from, until });
    } catch (error) {
      refused.set(key, { until: later(at, keepRefusals), error });
      throw error;
    }
  };
  const accept: Trust['accept'] = (leaf, at, others = []) => {
    const good = accepted.get(leaf.fingerprint);
    if (good !== undefined && at >= good.from && at < good.until) return undefined;
    // Whoever sends a certificate without its path must not get it refused for those who send both.
    const key = [leaf, ...others].map((one) => one.fingerprint).join();
    const bad = refused.get(key);
    if (bad !== undefined && at < bad.until && at >= bad.until - keepRefusals) return Promise.reject(bad.error);
    // The first messages of a peer cost one path, and who came first goes on first: a copy does not overtake its original.
    const pending = underWay.get(key);
    if (pending !== undefined) {
      const again = () => accept(leaf, at, others);
      return pending.then(again, again);
    }
    const decided = decide(leaf, at, others, key).finally(() => underWay.delete(key));
    underWay.set(key, decided);
    return decided;
  };
  return Object.freeze({
    known: Object.freeze(options.known === undefined ? [] : [...certificates(options.known)]),
    accept,
  });
}

/**
 * Trust in exactly these certificates, while they are valid (WCF's PeerTrust): nothing is asked of their issuers.
 *
 * @throws SecurityError `SECURITY_CERTIFICATE_MALFORMED`
 */
export function trustPeers(peers: CertificateSource): Trust {
  const known = Object.freeze([...certificates(peers)]);
  const fingerprints = new Set(known.map((one) => one.fingerprint));
  return Object.freeze({
    known,
    accept(leaf: Certificate, at: Instant) {
      if (!fingerprints.has(leaf.fingerprint)) {
        throw new SecurityError('SECURITY_CERTIFICATE_UNTRUSTED', `${leaf.subject} is none of the pinned peers.`);
      }
      requireValidity(leaf, at);
      return undefined;
    },
  });
}

/**
 * Trust in exactly these peers, and in whom a path leads to (WCF's PeerOrChainTrust).
 *
 * @throws SecurityError as `trustPeers` and `trustChain`
 */
export function trustPeersOrChain(peers: CertificateSource, options: ChainTrustOptions): Trust {
  const pinned = trustPeers(peers);
  const chained = trustChain(options);
  const fingerprints = new Set(pinned.known.map((one) => one.fingerprint));
  return Object.freeze({
    known: Object.freeze([...pinned.known, ...chained.known.filter((one) => !fingerprints.has(one.fingerprint))]),
    accept(leaf: Certificate, at: Instant, others?: readonly Certificate[]) {
      const by = fingerprints.has(leaf.fingerprint) ? pinned : chained;
      return by.accept(leaf, at, others);
    },
  });
}

/**
 * Takes every certificate that is valid at the time (WCF's None): whoever made one for himself is let in under any name. A
 * signature then shows no more than that one key signed.
 *
 * @param known certificates that messages may refer to without including them
 */
export function unsafeTrustAnyone(known: CertificateSource = []): Trust {
  return Object.freeze({
    known: Object.freeze(Array.isArray(known) && known.length === 0 ? [] : [...certificates(known)]),
    accept(leaf: Certificate, at: Instant) {
      requireValidity(leaf, at);
      return undefined;
    },
  });
}

function expectation(peer: ExpectedPeer | undefined): (leaf: Certificate) => void {
  const pins = peer?.fingerprints?.map((one) => one.replaceAll(':', '').toLowerCase());
  return (leaf) => {
    const host = peer?.host === undefined || leaf.speaksFor(peer.host);
    const subject = peer?.subject === undefined || leaf.subject === peer.subject;
    const pin = pins === undefined || pins.includes(leaf.fingerprint);
    if (host && subject && pin) return;
    throw new SecurityError(
      'SECURITY_CERTIFICATE_NAME',
      `The certificate of ${leaf.subject} is not that of the expected peer (${peer?.host ?? peer?.subject ?? 'pinned'}).`,
    );
  };
}
