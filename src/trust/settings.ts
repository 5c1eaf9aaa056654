/** Options of a token service, with their defaults, checked once. */
import { type Clock, type Instant, systemClock } from '../base/clock.ts';
import { type Random, systemRandom } from '../base/random.ts';
import { type AlgorithmSuite, algorithmSuite } from '../security/algorithm-suites.ts';
import type { Certificate } from '../security/certificates.ts';
import type { Evidence } from '../security/evidence.ts';
import type { SigningKey } from '../security/keys.ts';
import { MemoryReplayCache, type ReplayCache } from '../security/replay.ts';
import type { Claims } from '../security/tokens/claims.ts';
import type { JwtRequirement } from '../security/tokens/jwt.ts';
import type { SamlRequirement } from '../security/tokens/saml-conditions.ts';
import { TrustError } from './errors.ts';
import { trustLimits } from './limits.ts';
import type { TokenKind } from './names.ts';
import type { TokenRequest } from './requests.ts';

/** A service that tokens are issued for. */
export interface RelyingParty {
  /** What requests say in AppliesTo, character for character, and tokens say as their audience. */
  readonly address: string;
  /** Of the key that opens proof keys; without one no symmetric keys are issued for it. */
  readonly certificate?: Certificate;
  /** Default: all that the token service issues. */
  readonly tokens?: readonly TokenKind[];
}

/** Who asks, and in whose name. */
export interface Requester {
  /** Comparable; see `identityOf`. */
  readonly identity: string;
  readonly evidence: Evidence | undefined;
  /** What a token of somebody else says that the request brings, verified. */
  readonly onBehalfOf: Claims | undefined;
  readonly actAs: Claims | undefined;
}

/** Whom a token is about, and what it says of it. */
export interface Subject {
  readonly name: string;
  /** Of a SAML NameID. */
  readonly format?: string;
  /** By claim type. */
  readonly attributes?: ReadonlyMap<string, readonly string[]>;
}

/** Tokens of other people that requests may bring. */
export interface Delegation {
  /** Whose assertions, and for whom: usually those of this token service itself. */
  readonly saml?: Omit<SamlRequirement, 'confirmations'>;
  readonly jwt?: JwtRequirement;
  /** Whether this requester may ask in the name of (`on-behalf-of`) or together with (`act-as`) that subject, for that service. */
  allows(
    requester: Requester,
    way: 'on-behalf-of' | 'act-as',
    of: Claims,
    party: RelyingParty,
  ): boolean | Promise<boolean>;
}

export interface TokenServiceOptions {
  /** The name of this token service, as its tokens say it. */
  readonly issuer: string;
  /** Signs tokens. */
  readonly key: SigningKey;
  readonly relyingParties: readonly RelyingParty[];
  /**
   * Whom a token is about that this requester asks for, and what it says: `undefined` refuses. Attributes that were not asked for are
   * left out only here.
   */
  subject(
    requester: Requester,
    request: TokenRequest,
    party: RelyingParty,
  ): Subject | undefined | Promise<Subject | undefined>;
  /** Default: nobody asks for somebody else. */
  readonly delegation?: Delegation;
  /** Algorithms of signatures and of encrypted proof keys. Default `Aes256GcmSha256`. */
  readonly suite?: AlgorithmSuite;
  /** The longest life of a token, in milliseconds; also what requests get that wish nothing. Default one hour. */
  readonly lifetime?: number;
  /** Issued tokens that are remembered until they end. Default 100,000. */
  readonly mostTokens?: number;
  /** For tokens of other people that may be used once. */
  readonly replay?: ReplayCache;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface Settings extends Required<Omit<TokenServiceOptions, 'delegation' | 'subject'>> {
  readonly delegation: Delegation | undefined;
  readonly subject: TokenServiceOptions['subject'];
  now(): Instant;
}

/** @throws TrustError `TRUST_SETTING` */
export function settingsOf(options: TokenServiceOptions): Settings {
  const { clock = systemClock, lifetime = trustLimits.lifetime, mostTokens = trustLimits.mostTokens } = options;
  if (!(lifetime > 0 && lifetime <= longest) || !(mostTokens > 0 && Number.isFinite(mostTokens))) {
    throw new TrustError('TRUST_SETTING', 'Tokens live for more than nothing and at most a day, and are counted.');
  }
  if (options.issuer === '' || options.relyingParties.length === 0) {
    throw new TrustError('TRUST_SETTING', 'A token service has a name, and services that its tokens are for.');
  }
  return Object.freeze({
    ...options,
    delegation: options.delegation,
    subject: (requester: Requester, request: TokenRequest, party: RelyingParty) =>
      options.subject(requester, request, party),
    suite: options.suite ?? algorithmSuite('Aes256GcmSha256'),
    lifetime,
    mostTokens,
    replay: options.replay ?? new MemoryReplayCache(),
    clock,
    random: options.random ?? systemRandom,
    now: () => clock.now(),
  });
}

const longest = 86_400_000;
