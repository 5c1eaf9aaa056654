/** What a binding needs besides its settings: keys, certificates, passwords, tokens; and what it takes from its surroundings. */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { ReliableSessionOptions } from '../reliable/settings.ts';
import type { SuiteReading, SuiteWeakness } from '../security/algorithm-suites.ts';
import type { CertificateSource } from '../security/certificates.ts';
import type { SigningKey } from '../security/keys.ts';
import type { UnsafeOption } from '../security/policy.ts';
import type { IssuedTokenOptions } from '../security/presets/issued-token.ts';
import type { SecurityPolicy, TokenSource } from '../security/protection.ts';
import type { ReplayCache } from '../security/replay.ts';
import type { PasswordSource, UsernameCredentials } from '../security/tokens/username.ts';
import type { Trust } from '../security/trust.ts';
import type { HttpClientOptions, HttpListenerOptions, Quotas } from '../transport/http/settings.ts';
import type { TlsOptions } from '../transport/tls.ts';
import type { ReliableDescription } from './description.ts';

/** Whoever a binding's security needs; which of them, its mode says, and the error for one that is missing. */
export interface Credentials {
  /** Our key with its certificate: the client's (`Certificate`), or the service's. */
  readonly key?: SigningKey;
  /** The certificate of the other end, pinned. */
  readonly peer?: CertificateSource;
  /** Who may sign what is received, where that is not exactly `peer`. */
  readonly trust?: Trust;
  /** Client (`UserName`): who it is. */
  readonly username?: UsernameCredentials | (() => UsernameCredentials);
  /** Service (`UserName`): who may come in. */
  readonly passwords?: PasswordSource;
  /** Client (`IssuedToken`): where its token comes from. */
  readonly token?: TokenSource;
  /** Service (`IssuedToken`): whose tokens, and for whom. */
  readonly saml?: NonNullable<IssuedTokenOptions['saml']>;
  /** How an algorithm suite whose name says Sha256 is read; default `wcf`. Metro and CXF read it `as-written`. */
  readonly suiteReading?: SuiteReading;
  /** What is weakened, each by its symbol: WCF's default suite Basic256 needs `unsafeSuiteSha1`. */
  readonly unsafe?: readonly (SuiteWeakness | UnsafeOption)[];
}

/** Settings of a reliable session that nobody on the wire sees. */
export type LocalReliableOptions = Omit<
  ReliableSessionOptions,
  keyof ReliableDescription | 'versions' | 'soap' | 'addressing' | 'to'
>;

/** What a binding takes from where it runs. */
export interface Surroundings {
  /** Who we are and whom we trust in TLS. */
  readonly tls?: TlsOptions;
  readonly client?: HttpClientOptions;
  readonly listener?: HttpListenerOptions;
  /** Further limits of the XML reader. */
  readonly readerQuotas?: Quotas;
  /** Where a service keeps what it has seen of late; default: the memory of this process. */
  readonly replay?: ReplayCache;
  /** wsDualHttp: where a client listens for the service, and what the service is told where it is reached by another name. */
  readonly callbackAddress?: URL;
  readonly knownAs?: URL;
  /** wsDualHttp: the hosts (name, or name:port) that a service calls back; without, nobody. */
  readonly replyHosts?: readonly string[];
  /** Keys of 32 octets that a service seals its security contexts with; see `secureConversation`. Default: they are remembered. */
  readonly sealing?: readonly Uint8Array[];
  /** Whose supporting tokens may be added to a security context at the service; see `secureConversation`. Default: nobody's. */
  readonly amendment?: SecurityPolicy;
  /** The values of wsa:To that mean this service; see `exchange`. */
  readonly addresses?: readonly string[];
  readonly clock?: Clock;
  readonly random?: Random;
}
