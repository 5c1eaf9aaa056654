/**
 * The settings of a reliable session, with the names, defaults and ranges of WCF's ReliableSessionBindingElement, and
 * the limits that WCF leaves open. Every limit is finite.
 */
import { type Clock, systemClock } from '../base/clock.ts';
import { type Random, systemRandom, uuidUrn } from '../base/random.ts';
import { type AddressingVersion, addressing200508 } from '../soap/addressing-versions.ts';
import { type SoapVersion, soap12 } from '../soap/version.ts';
import type { IncompleteSequenceBehavior } from './bodies.ts';
import type { DeliveryAssurance } from './destination-state.ts';
import { ReliableError } from './errors.ts';
import type { Transmission } from './ledger.ts';
import type { SessionView } from './session.ts';
import type { SessionStore } from './store.ts';
import { reliableVersions } from './versions/table.ts';
import { reliable200702 } from './versions/v200702.ts';
import type { ReliableVersion } from './versions/version.ts';

/** What a new identifier is for. */
export type IdentifierUse = 'sequence' | 'offer' | 'message';

/** Times in milliseconds. */
export interface ReliableSessionOptions {
  /** What an initiator speaks; default 200702 (WS-RM 1.1 and 1.2). */
  readonly version?: ReliableVersion;
  /** What an acceptor understands; default all. The first is the one it asks for when a message is not of WS-RM. */
  readonly versions?: readonly ReliableVersion[];
  /** Hand messages up in the order in which they were sent, one after the other; default true. */
  readonly ordered?: boolean;
  /**
   * How often an acceptor's application may see a message; default `exactly-once`: again only when the process died before it
   * had finished. `at-most-once`: never again, not even then (its reply is lost with it). `at-least-once`: a one-way message
   * that its source sends again is handed up again.
   */
  readonly deliveryAssurance?: DeliveryAssurance['repeats'];
  /**
   * What an acceptor does with a sequence that ends with a gap; announced where the version can say it (200702). In order:
   * `DiscardFollowingFirstGap` (default, WCF), or `NoDiscard`, which hands up what stands behind the gap too. In any order:
   * `NoDiscard` (default, WCF). `DiscardEntireSequence`: nothing is handed up before the sequence has ended whole; it is held
   * until then, up to `maxHeldBytes`, and nothing of it can be answered.
   */
  readonly incompleteSequenceBehavior?: IncompleteSequenceBehavior;
  /**
   * A session without replies: no sequence is offered, and every message is settled by its acknowledgement. Default false. On duplex
   * channels one is offered all the same: there the other end may send unasked.
   */
  readonly oneWay?: boolean;
  /**
   * How long an acknowledgement may wait for a message to ride on; default 200. On request-reply transports such as HTTP
   * acknowledgements ride on the responses: on each, or on the last of the one-way messages that one turn of the event loop brought.
   */
  readonly acknowledgementInterval?: number;
  /**
   * Say what is missing (Nack) at the end of a duplex session where a gap has been for `acknowledgementInterval`, so that it is sent again
   * before its time. Default false: WCF writes none and reads past them. Over request-reply transports each message has an
   * exchange of its own, which tells the source by itself that it was lost.
   */
  readonly negativeAcknowledgements?: boolean;
  /** After this long without a sign of life the session is given up; an initiator asks for one after half of it. Default 600 000. */
  readonly inactivityTimeout?: number;
  /**
   * How long an acceptor waits for the next message of the client's application before it gives the session up; signs of life do not
   * count (the ReceiveTimeout of WCF's bindings). Default 600 000, or `inactivityTimeout` where that is longer.
   */
  readonly receiveTimeout?: number;
  /** How often a message is sent again before the session is given up; default 8. */
  readonly maxRetryCount?: number;
  /**
   * What an initiator does when retries, the inactivity timeout or the close timeout run out, or its own network or
   * certificate fails. `fault` (WCF): the sequence ends, and the peer is told. `suspend`: the session stands still, `send` and
   * `close` reject with `RELIABLE_SUSPENDED`, the peer is told nothing, and connecting again under the same label goes on; it
   * needs `store` and `label`. Default: `suspend` where both are given, else `fault`.
   */
  readonly whenRetriesRunOut?: 'fault' | 'suspend';
  /** Messages under way at once, and messages held at the destination; 1…4096, default 8. */
  readonly maxTransferWindowSize?: number;
  /** Sessions that may wait for `onSession` at an acceptor; 1…16384, default 4. */
  readonly maxPendingChannels?: number;
  /** Tell the source how much room is left (netrm:BufferRemaining); default true. */
  readonly flowControlEnabled?: boolean;
  /**
   * Under a security context, whether CreateSequence names it (WS-RM 1.1 section 5.2.2, as WCF writes it); default true. CXF refuses a
   * request that does; the sequence belongs to the context that its CreateSequence came under all the same.
   */
  readonly namesContext?: boolean;
  /**
   * Asks that the sequence belongs to the TLS session as well (UsesSequenceSSL, WS-RM 1.1 section 5.1): to the client certificate, or
   * without one to the connection itself, which then has to be the only one (`connections: 1`) and to hold until the end. WCF
   * refuses a request that does. Default false.
   */
  readonly usesTls?: boolean;

  /** Where an initiator's messages go. Without it the first message says so, and `open` waits for that message. */
  readonly to?: URL | undefined;
  /** SOAP version of an initiator's protocol messages when `to` is given; default 1.2. */
  readonly soap?: SoapVersion;
  /** WS-Addressing version of an initiator's protocol messages when `to` is given; default 2005/08. */
  readonly addressing?: AddressingVersion;

  /**
   * The life that an initiator asks for (Expires); the shorter of this and what the peer grants ends the session. Default: none is
   * asked for, as WCF asks for none, and what a peer says unasked is not looked at.
   */
  readonly expires?: number;
  /** Time to create the sequence; default 60 000. */
  readonly openTimeout?: number;
  /** Time for the last acknowledgement, close and terminate; default 60 000. */
  readonly closeTimeout?: number;
  /**
   * How long the initiator of a duplex session, whose own sequence has ended well, waits in silence for its peer to end the other;
   * then the session has ended well all the same; in 2005/02, which has no answer to TerminateSequence, also how long it waits for
   * a word after that. For peers such as Metro and CXF, which never end a sequence that they were offered.
   * Default: `closeTimeout`, after which it is an error.
   */
  readonly farewellTimeout?: number;
  /** The least time granted above the mean round trip before a message is sent again; default 400. */
  readonly retryFloor?: number;
  /** The longest wait between two transmissions of one message; default 300 000. */
  readonly retryCeiling?: number;
  /** Wait before the second CreateSequence; default 2 000. */
  readonly firstPatience?: number;

  /**
   * Messages an initiator takes before they are settled; a further `send` waits. Default 1024. A peer that acknowledges only
   * when the sequence is closed (gSOAP, one-way) gets so many in one session.
   */
  readonly maxUnsettled?: number;
  /** Octets of messages held in one session of an acceptor; default 16 MiB. */
  readonly maxHeldBytes?: number;
  /** Live sessions of an acceptor; default 10 000. */
  readonly maxSessions?: number;
  /** Live sessions of an acceptor that belong to one identity; default 1 000. */
  readonly maxSessionsPerIdentity?: number;
  /** Longest life of a sequence that asks for an end (Expires); default 24 hours. */
  readonly maxExpires?: number;
  /** How long an acceptor still answers for a terminated sequence; default 60 000. */
  readonly remember?: number;
  /** How long a store remembers what became of a labelled session that ended (`storedOutcomes`); default 7 days. */
  readonly rememberOutcomes?: number;

  /**
   * Where sessions survive a crash. An acceptor keeps all of its sessions there; an initiator the one that `label` names.
   */
  readonly store?: SessionStore;
  /**
   * Name of the session in the store. An initiator whose store holds an unfinished session for the same label and
   * destination takes it up again instead of creating another.
   */
  readonly label?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Makes identifiers; default random UUIDs. They must be impossible to guess (attack M10). */
  readonly newIdentifier?: (use: IdentifierUse) => string;
  /** Hears of each session when it is created or taken up again; an acceptor answers CreateSequence when it has settled. */
  readonly onSession?: (session: SessionView) => void | Promise<void>;
}

/** Options with their defaults, checked. */
export type Settings = Required<Omit<ReliableSessionOptions, 'store' | 'label' | 'to' | 'onSession' | 'expires'>> &
  Pick<ReliableSessionOptions, 'store' | 'label' | 'to' | 'onSession' | 'expires'>;

/** @throws ReliableError `RELIABLE_SETTING` */
export function settingsOf(options: ReliableSessionOptions): Settings {
  const random = options.random ?? systemRandom;
  const quiet = number('inactivityTimeout', options.inactivityTimeout, 600_000, 1, days(24));
  const settings: Settings = {
    ...options,
    version: options.version ?? reliable200702,
    versions: options.versions ?? reliableVersions,
    ordered: options.ordered ?? true,
    deliveryAssurance: options.deliveryAssurance ?? 'exactly-once',
    incompleteSequenceBehavior:
      options.incompleteSequenceBehavior ?? (options.ordered === false ? 'NoDiscard' : 'DiscardFollowingFirstGap'),
    oneWay: options.oneWay ?? false,
    acknowledgementInterval: number('acknowledgementInterval', options.acknowledgementInterval, 200, 1, days(24)),
    negativeAcknowledgements: options.negativeAcknowledgements ?? false,
    inactivityTimeout: quiet,
    receiveTimeout: number('receiveTimeout', options.receiveTimeout, Math.max(600_000, quiet), 1, days(24)),
    maxRetryCount: whole('maxRetryCount', options.maxRetryCount, 8, 1, 1_000),
    maxTransferWindowSize: whole('maxTransferWindowSize', options.maxTransferWindowSize, 8, 1, 4_096),
    maxPendingChannels: whole('maxPendingChannels', options.maxPendingChannels, 4, 1, 16_384),
    whenRetriesRunOut: options.whenRetriesRunOut ?? (isKept(options) ? 'suspend' : 'fault'),
    flowControlEnabled: options.flowControlEnabled ?? true,
    namesContext: options.namesContext ?? true,
    usesTls: options.usesTls ?? false,
    soap: options.soap ?? soap12,
    addressing: options.addressing ?? addressing200508,
    openTimeout: number('openTimeout', options.openTimeout, 60_000, 1, days(24)),
    closeTimeout: number('closeTimeout', options.closeTimeout, 60_000, 1, days(24)),
    farewellTimeout: number('farewellTimeout', options.farewellTimeout, options.closeTimeout ?? 60_000, 1, days(24)),
    retryFloor: number('retryFloor', options.retryFloor, 400, 1, days(1)),
    retryCeiling: number('retryCeiling', options.retryCeiling, 300_000, 1, days(24)),
    firstPatience: number('firstPatience', options.firstPatience, 2_000, 1, days(1)),
    maxUnsettled: whole('maxUnsettled', options.maxUnsettled, 1_024, 1, 1_000_000),
    maxHeldBytes: whole('maxHeldBytes', options.maxHeldBytes, 16 * 2 ** 20, 1, 2 ** 40),
    maxSessions: whole('maxSessions', options.maxSessions, 10_000, 1, 10_000_000),
    maxSessionsPerIdentity: whole('maxSessionsPerIdentity', options.maxSessionsPerIdentity, 1_000, 1, 10_000_000),
    maxExpires: number('maxExpires', options.maxExpires, days(1), 1, days(366)),
    remember: number('remember', options.remember, 60_000, 0, days(24)),
    rememberOutcomes: number('rememberOutcomes', options.rememberOutcomes, days(7), 0, days(366)),
    clock: options.clock ?? systemClock,
    random,
    newIdentifier: options.newIdentifier ?? (() => uuidUrn(random)),
  };
  number('expires', options.expires, days(1), 1, days(366));
  if (settings.versions.length === 0) throw wrong('versions is empty; name at least one version of WS-RM.');
  if (options.store !== undefined && options.label === '') throw wrong('label is empty; give the session a name.');
  if (!settings.ordered && settings.incompleteSequenceBehavior === 'DiscardFollowingFirstGap') {
    throw wrong('incompleteSequenceBehavior is "DiscardFollowingFirstGap"; without order nothing follows a gap.');
  }
  if (options.whenRetriesRunOut === 'suspend' && !isKept(options)) {
    throw wrong('whenRetriesRunOut is "suspend"; give the session a store and a label, by which it is found again.');
  }
  return settings;
}

/** Whether an initiator's session can be taken up again. */
function isKept({ store, label }: ReliableSessionOptions): boolean {
  return store !== undefined && label !== undefined;
}

/** How long a sequence lives that was created with these settings and granted `life` milliseconds; empty where none was asked for. */
export function lifeOf({ expires }: Settings, life: number | undefined): { readonly life?: number } {
  return expires === undefined ? {} : { life: Math.min(expires, life ?? expires) };
}

/** How a sequence that this end creates is sent. */
export function transmissionOf(
  settings: Settings,
  version: ReliableVersion,
  drive: Transmission['drive'],
): Transmission {
  return {
    drive,
    shutdown: version.shutdown,
    // Replies that ride on responses wait for as long as the session lives.
    givesUp: drive === 'timer' ? settings.whenRetriesRunOut : 'fault',
    acknowledgements: 'at-once',
    window: settings.maxTransferWindowSize,
    maxRetryCount: settings.maxRetryCount,
    retryFloor: settings.retryFloor,
    retryCeiling: settings.retryCeiling,
    firstPatience: settings.firstPatience,
    inactivityTimeout: settings.inactivityTimeout,
    // The last number is kept for LastMessage.
    lastNumber: Number.MAX_SAFE_INTEGER - 1,
  };
}

/** What the destination of an acceptor promises. */
export function assuranceOf(settings: Settings): DeliveryAssurance {
  return {
    ordered: settings.ordered,
    repeats: settings.deliveryAssurance,
    incomplete: settings.incompleteSequenceBehavior,
    window: settings.maxTransferWindowSize,
    heldBytes: settings.maxHeldBytes,
    maxRanges: 128,
    inactivityTimeout: settings.inactivityTimeout,
    receiveTimeout: settings.receiveTimeout,
    lastNumber: Number.MAX_SAFE_INTEGER - 1,
  };
}

function days(count: number): number {
  return count * 86_400_000;
}

function number(name: string, given: number | undefined, usual: number, least: number, greatest: number): number {
  if (given === undefined) return usual;
  if (Number.isFinite(given) && given >= least && given <= greatest) return given;
  throw wrong(`${name} is ${given}; it has to be a number from ${least} to ${greatest}.`);
}

/** A count: half a message is none. */
function whole(name: string, given: number | undefined, usual: number, least: number, greatest: number): number {
  const found = number(name, given, usual, least, greatest);
  if (Number.isInteger(found)) return found;
  throw wrong(`${name} is ${found}; it has to be a whole number from ${least} to ${greatest}.`);
}

function wrong(text: string): ReliableError {
  return new ReliableError('RELIABLE_SETTING', text);
}
