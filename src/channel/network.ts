/**
 * A network that misbehaves on purpose: it loses requests and replies, repeats, delays, reorders and breaks them. Chance
 * comes from a seed and time from a clock, so a bad day can be had again; a script can order one exactly.
 */
import { type Clock, systemClock } from '../base/clock.ts';
import { type Random, systemRandom } from '../base/random.ts';
import { abortable, never, wait } from '../base/signals.ts';
import type { Message } from '../soap/message.ts';
import { ChannelError } from './errors.ts';

/** One half of an exchange on the network, or one message of a duplex connection. */
export interface Leg {
  /** On a duplex connection: `request` is what the initiator sends, `reply` what the acceptor sends. */
  readonly way: 'request' | 'reply';
  /**
   * The number of the exchange on this network, from 1; a reply has the number of its request. Duplex messages are counted
   * together, whichever way they go.
   */
  readonly number: number;
  /** Absent for a reply without message, such as an HTTP 202. */
  readonly message: Message | undefined;
  readonly octets: Uint8Array;
}

/**
 * What becomes of a leg. `lose`: it is gone, and the sender hears nothing until `patience` is over. `break`: the
 * connection is cut and the sender hears of it at once. `duplicate` (requests only; a reply passes): a second copy
 * arrives, and its reply is lost. `overtake` (requests only; a reply passes): the copy arrives first and has been answered
 * before the original arrives, so that the sender hears what becomes of a second one. `delay` in milliseconds; `until`: held
 * back for as long as the promise is pending.
 *
 * Of a duplex message the sender never hears: `lose` is silence, `duplicate` and `overtake` are the same and count both ways, and
 * `break` ends the connection for both ends, with everything that is under way on it.
 */
export type Fate =
  | 'pass'
  | 'lose'
  | 'break'
  | 'duplicate'
  | 'overtake'
  | { readonly delay: number }
  | { readonly until: Promise<unknown> };

/** Decides the fate of a leg, or leaves it (`undefined`) to the next script and at last to chance. */
export type Script = (leg: Leg) => Fate | undefined;

export interface NetworkOptions {
  readonly clock?: Clock | undefined;
  readonly random?: Random | undefined;
  /** Probabilities, 0 to 1. All are 0 where not given: nothing happens by chance. */
  readonly loseRequest?: number | undefined;
  readonly loseReply?: number | undefined;
  readonly duplicate?: number | undefined;
  readonly break?: number | undefined;
  /** Probability that a leg waits `reorderBy` longer, so that later ones overtake it. */
  readonly reorder?: number | undefined;
  /** Milliseconds; 50 where not given. */
  readonly reorderBy?: number | undefined;
  /** Least and greatest travelling time of a leg in milliseconds; none where not given. */
  readonly delay?: readonly [least: number, greatest: number] | undefined;
  /** Milliseconds after which the sender of a lost leg gives up; 30 000 where not given. */
  readonly patience?: number | undefined;
}

/** What happened so far. */
export interface NetworkCounts {
  readonly exchanges: number;
  readonly lostRequests: number;
  readonly lostReplies: number;
  readonly duplicated: number;
  readonly broken: number;
  /** Legs that were reordered, delayed by a script or held. */
  readonly delayed: number;
}

/** What travels: octets, with the message that they encode. */
export interface Parcel {
  readonly message: Message;
  readonly body: Uint8Array;
}

const defaultPatience = 30_000;
const defaultReorderBy = 50;

export class Network {
  readonly #options: NetworkOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #scripts: Script[] = [];
  readonly #counts = { exchanges: 0, lostRequests: 0, lostReplies: 0, duplicated: 0, broken: 0, delayed: 0 };

  constructor(options: NetworkOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
  }

  get counts(): NetworkCounts {
    return { ...this.#counts };
  }

  /** Adds a script, asked before chance and after the scripts added earlier; the value takes it away again. */
  script(script: Script): () => void {
    this.#scripts.push(script);
    return () => {
      const at = this.#scripts.indexOf(script);
      if (at >= 0) this.#scripts.splice(at, 1);
    };
  }

  /**
   * Carries a request to `deliver` and its reply back, or not.
   *
   * @throws ChannelError `CHANNEL_LOST` (transient) when a leg was lost or the connection broke
   */
  async exchange<Reply extends Parcel>(
    request: Parcel,
    deliver: () => Promise<Reply | undefined>,
    signal: AbortSignal,
  ): Promise<Reply | undefined> {
    const number = ++this.#counts.exchanges;
    const fate = await this.#travel({ way: 'request', number, message: request.message, octets: request.body }, signal);
    if (fate === 'duplicate' || fate === 'overtake') {
      // The copy goes its own way: nobody hears its reply.
      const copied = this.#latency(never)
        .then(deliver)
        .catch(() => undefined);
      if (fate === 'overtake') await abortable(copied, signal);
    }
    const reply = await deliver();
    await this.#travel({ way: 'reply', number, message: reply?.message, octets: reply?.body ?? nothing }, signal);
    return reply;
  }

  /**
   * Carries one message of a duplex connection to `deliver`: once, twice or not at all. Settles when nothing more will come of
   * it, and never rejects for what the network did.
   *
   * @param signal fires when the connection is over: what is under way then does not arrive
   * @param cut ends the connection for both ends
   */
  async post(
    way: Leg['way'],
    { message, body }: Parcel,
    deliver: () => void,
    signal: AbortSignal,
    cut: (reason: Error) => void,
  ): Promise<void> {
    const number = ++this.#counts.exchanges;
    const fate = this.#fate({ way, number, message, octets: body });
    if (fate === 'lose') {
      this.#counts[way === 'request' ? 'lostRequests' : 'lostReplies']++;
      return;
    }
    if (fate === 'break') {
      this.#counts.broken++;
      cut(lost(`The connection broke under message ${number}.`));
      return;
    }
    const copies = fate === 'duplicate' || fate === 'overtake' ? 2 : 1;
    this.#counts.duplicated += copies - 1;
    const arrive = async () => {
      await this.#delayed(fate, signal);
      deliver();
    };
    await Promise.allSettled(Array.from({ length: copies }, arrive));
  }

  async #delayed(fate: Fate, signal: AbortSignal): Promise<void> {
    if (typeof fate === 'object') {
      this.#counts.delayed++;
      await ('until' in fate ? abortable(fate.until, signal) : wait(this.#clock, fate.delay, signal));
    }
    await this.#latency(signal);
    signal.throwIfAborted();
  }

  /** Takes one leg to its end; the value is what became of it. */
  async #travel(leg: Leg, signal: AbortSignal): Promise<Fate> {
    const fate = this.#fate(leg);
    if (typeof fate === 'object') {
      this.#counts.delayed++;
      await ('until' in fate ? abortable(fate.until, signal) : wait(this.#clock, fate.delay, signal));
    }
    await this.#latency(signal);
    switch (fate) {
      case 'lose':
        this.#counts[leg.way === 'request' ? 'lostRequests' : 'lostReplies']++;
        await wait(this.#clock, this.#options.patience ?? defaultPatience, signal);
        throw lost(`No answer came: the ${leg.way} of exchange ${leg.number} was lost.`);
      case 'break':
        this.#counts.broken++;
        throw lost(`The connection broke under the ${leg.way} of exchange ${leg.number}.`);
      case 'duplicate':
      case 'overtake':
        if (leg.way === 'request') this.#counts.duplicated++;
        return fate;
      default:
        return fate;
    }
  }

  async #latency(signal: AbortSignal): Promise<void> {
    const { delay } = this.#options;
    if (delay === undefined) return;
    const [least, greatest] = delay;
    await wait(this.#clock, least + this.#random.fraction() * (greatest - least), signal);
  }

  #fate(leg: Leg): Fate {
    for (const script of this.#scripts) {
      const fate = script(leg);
      if (fate !== undefined) return fate;
    }
    const { loseRequest, loseReply, duplicate, reorder, reorderBy = defaultReorderBy } = this.#options;
    if (this.#happens(leg.way === 'request' ? loseRequest : loseReply)) return 'lose';
    if (this.#happens(this.#options.break)) return 'break';
    if (leg.way === 'request' && this.#happens(duplicate)) return 'duplicate';
    return this.#happens(reorder) ? { delay: reorderBy } : 'pass';
  }

  #happens(probability: number | undefined): boolean {
    return probability !== undefined && probability > 0 && this.#random.fraction() < probability;
  }
}

const nothing = new Uint8Array();

function lost(message: string): ChannelError {
  return new ChannelError('CHANNEL_LOST', `${message} Send again.`, { transient: true });
}

/** A script for the legs with these numbers, one way: `on('reply', [2], 'lose')`. */
export function on(way: Leg['way'], numbers: readonly number[], fate: Fate): Script {
  return (leg) => (leg.way === way && numbers.includes(leg.number) ? fate : undefined);
}
