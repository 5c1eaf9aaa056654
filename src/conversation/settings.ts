/** What a secure conversation is told by whoever sets it up, completed with defaults and held to what is safe. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { type Clock, systemClock } from '../base/clock.ts';
import { type Random, systemRandom } from '../base/random.ts';
import { suiteOf } from '../security/presets/common.ts';
import {
  amendmentUnder,
  type ContextOptions,
  contextOverTransport,
  contextProtection,
  renewalUnder,
} from '../security/presets/context.ts';
import type { SecurityPolicy } from '../security/protection.ts';
import { MemoryReplayCache, type ReplayCache } from '../security/replay.ts';
import { type AddressingVersion, addressing200508 } from '../soap/addressing-versions.ts';
import { type SoapVersion, soap12 } from '../soap/version.ts';
import { type RenewalPolicy, wcfRenewal } from './context.ts';
import { type ContextLimits, contextLimits } from './contexts.ts';
import { ConversationError } from './errors.ts';
import { conversation200512 } from './versions/v200512.ts';
import type { ConversationVersion } from './versions/version.ts';

export interface SecureConversationOptions extends Omit<ContextOptions, 'derivedKeysVersion' | 'addressing'> {
  /**
   * How the context is asked for: who the initiator is, and what protects the secret on its way. A policy that encrypts, or one that
   * needs TLS.
   */
  readonly bootstrap: SecurityPolicy;
  /** Of WS-SecureConversation and WS-Trust. Default 1.3 (200512). */
  readonly version?: ConversationVersion;
  /**
   * What the context does for messages: over `transport` (TLS) it signs the Timestamp of requests; at `message` level it signs and
   * encrypts both directions. Default: as the bootstrap policy does.
   */
  readonly protection?: 'transport' | 'message';
  /**
   * Whose messages these are for the layers above. `context` (default): of whoever has this context, so that a sequence lives
   * and dies with it, as in WCF. `identity`: of whoever asked for it, where the bootstrap policy proves who that is, so that a
   * durable sequence goes on under another context of the same identity.
   */
  readonly speaksFor?: 'context' | 'identity';
  /** How long a key that is issued here may be used, in milliseconds. Default 10 hours. */
  readonly contextLifetime?: number;
  /** When the initiator renews. Default as WCF: after 60 % of the lifetime, or 10 hours. */
  readonly renewal?: RenewalPolicy;
  /**
   * True: an initiator neither cancels its context nor renews it, and asks for another when it is time (WCF's
   * `requireSecurityContextCancellation` false; MustNotSendCancel and MustNotSendRenew of a policy). Nothing that lives longer than a key may
   * belong to such a context. Default false.
   */
  readonly keepsContext?: boolean;
  /** How long an initiator waits for the answer to a request about its context, in milliseconds. Default 60 s. */
  readonly requestTimeout?: number;
  /**
   * Keys of 32 octets that an acceptor seals its contexts with, into their own tokens: then it need not remember them, a restart loses
   * none, and every node with these keys takes them. The first seals, all of them open. A context that was cancelled is unknown
   * at the node where it was. Without keys, contexts are remembered in the memory of the process.
   */
  readonly sealing?: readonly Uint8Array[];
  /**
   * At the acceptor: the policy whose supporting tokens may be added to a context by whoever has it (WS-SecureConversation 1.3, section 4),
   * such as `usernameOverTransport`, `certificateOverTransport` or `issuedTokenOverTransport`, also where the context protects messages by
   * itself. Evidence then names them as `added`; whose context it is does not change. No other stack is known to amend contexts: the
   * request is written after the specification, and was tried between two ends of surewire only. Default: none, and requests to amend
   * are refused. Not with `sealing`: a node that has read a token of before would not know what was added.
   */
  readonly amendment?: SecurityPolicy;
  /** How many contexts an acceptor keeps, and for how long. */
  readonly limits?: Partial<ContextLimits>;
  /** Where the service is: `open` then asks for the context. Without, the first message does. */
  readonly to?: URL;
  /** Of requests that `open` sends. Default SOAP 1.2. */
  readonly soap?: SoapVersion;
  /** Of requests that `open` sends. Default WS-Addressing 1.0. */
  readonly addressing?: AddressingVersion;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default: one in the memory of this process for all channels of this element. */
  readonly replay?: ReplayCache;
}

export interface Settings {
  readonly version: ConversationVersion;
  readonly bootstrap: SecurityPolicy;
  readonly renewalPolicy: SecurityPolicy;
  readonly session: SecurityPolicy;
  readonly cancellation: SecurityPolicy;
  /** How a request to amend is protected, but for what it adds. */
  readonly amending: SecurityPolicy;
  /** Under which a context is amended here; absent where none is. */
  readonly amendment: SecurityPolicy | undefined;
  /** Bits of the secret. */
  readonly keySize: number;
  readonly speaksFor: 'context' | 'identity';
  readonly contextLifetime: number;
  readonly renewal: RenewalPolicy;
  readonly keepsContext: boolean;
  readonly requestTimeout: number;
  readonly sealing: readonly KeyObject[];
  readonly limits: ContextLimits;
  readonly to: URL | undefined;
  readonly soap: SoapVersion;
  readonly addressing: AddressingVersion;
  readonly clock: Clock;
  readonly random: Random;
  readonly replay: ReplayCache;
}

/** WCF: 10 hours. */
const defaultLifetime = 36_000_000;

/** @throws ConversationError `CONVERSATION_SETTING`; SecurityError `SECURITY_POLICY` */
export function settingsOf(options: SecureConversationOptions): Settings {
  const { bootstrap, version = conversation200512, renewal = wcfRenewal } = options;
  const { contextLifetime = defaultLifetime, requestTimeout = 60_000 } = options;
  const { clock = systemClock, random = systemRandom } = options;
  requireSecrecy(bootstrap, options);
  if (options.amendment !== undefined && (options.sealing ?? []).length > 0) throw sealedAmendment();
  const limits = Object.freeze({ ...contextLimits, ...options.limits });
  requireFinite({ ...limits, ...renewal, contextLifetime, requestTimeout });
  const { addressing = addressing200508, ...rest } = options;
  const protection = { ...rest, derivedKeysVersion: version.namespace };
  const isSigned = bootstrap.inbound.signature !== undefined || bootstrap.outbound.signature !== undefined;
  const kind = options.protection ?? (isSigned ? 'message' : 'transport');
  const session = kind === 'message' ? contextProtection(protection) : contextOverTransport(protection);
  const suite = suiteOf(rest);
  // To amend shows passwords, and what they have signed.
  const hiding = { ...protection, order: 'sign-encrypt', encryptSignature: true } as const;
  const isHidden = kind === 'message';
  const amending = amendingUnder(session, contextProtection(hiding, isHidden ? [] : [version.trust]), isHidden);
  return Object.freeze({
    version,
    bootstrap,
    renewalPolicy: renewalUnder(bootstrap, suite),
    session,
    // WCF and Metro sign it and do not encrypt it: there is nothing to hide in it.
    cancellation: kind === 'message' ? contextProtection(protection, [version.trust]) : session,
    amending,
    amendment: options.amendment && amendmentUnder(amending, options.amendment, 'inbound'),
    keySize: options.derivedKeys === false ? suite.content.keyLength * 8 : Math.min(256, suite.keys.symmetric.most),
    speaksFor: options.speaksFor ?? 'context',
    contextLifetime,
    renewal,
    keepsContext: options.keepsContext ?? false,
    requestTimeout,
    sealing: Object.freeze((options.sealing ?? []).map(sealingKey)),
    limits,
    to: options.to,
    soap: options.soap ?? soap12,
    addressing,
    clock,
    random,
    replay: options.replay ?? new MemoryReplayCache(),
  } satisfies Settings);
}

/**
 * At message level, so that the key of the context signs what is added; over whatever its messages need.
 *
 * @param isHidden whether it is the context that hides the Body
 */
function amendingUnder({ inbound, reply }: SecurityPolicy, policy: SecurityPolicy, isHidden: boolean): SecurityPolicy {
  const over = ({ encryption, ...required }: SecurityPolicy['inbound'], { transport }: SecurityPolicy['inbound']) =>
    Object.freeze({
      ...required,
      transport,
      // Where TLS hides the Body, nothing else hides that of a fault.
      encryption: encryption && Object.freeze({ ...encryption, body: isHidden }),
    });
  return Object.freeze({
    ...policy,
    inbound: over(policy.inbound, inbound),
    reply: Object.freeze({ ...policy.reply, inbound: over(policy.reply.inbound, reply.inbound) }),
  });
}

function sealedAmendment(): ConversationError {
  const text =
    'Contexts that are sealed into their tokens are not amended: a node that has read a token of before would not know what was added. ' +
    'Leave out `sealing` or `amendment`.';
  return new ConversationError('CONVERSATION_SETTING', text);
}

function sealingKey(octets: Uint8Array): KeyObject {
  if (octets.length === 32) return createSecretKey(octets);
  throw new ConversationError(
    'CONVERSATION_SETTING',
    `A key to seal contexts with has 32 octets, not ${octets.length}.`,
  );
}

/** Attack P7: both halves of the secret stand in the requests. */
function requireSecrecy({ name, inbound, outbound, reply }: SecurityPolicy, options: SecureConversationOptions): void {
  const encrypts = [inbound, outbound, reply.inbound, reply.outbound].some(
    ({ encryption }) => encryption?.body === true,
  );
  const isHidden = encrypts || inbound.transport === 'tls';
  if (isHidden || options.unsafe?.some(({ description }) => description === 'unsafeWithoutTls')) return;
  throw new ConversationError(
    'CONVERSATION_SETTING',
    `The bootstrap policy ${name} neither encrypts nor needs TLS, and the secret of the context would travel in the clear. ` +
      'Use one that encrypts (mutualCertificate, …) or one over HTTPS (usernameOverTransport, …).',
  );
}

function requireFinite(limits: Readonly<Record<string, number>>): void {
  for (const [limit, value] of Object.entries(limits)) {
    if (Number.isFinite(value) && value > 0) continue;
    throw new ConversationError(
      'CONVERSATION_SETTING',
      `The limit "${limit}" is ${value}; give a finite number above 0.`,
    );
  }
}
