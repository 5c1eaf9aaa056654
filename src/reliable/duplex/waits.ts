/**
 * What a duplex session waits for: the next thing that is due in its sequences, the peer's first word over a connection, and its
 * last.
 */
import { later, type Timer } from '../../base/clock.ts';
import { destinationDue } from '../destination-state.ts';
import type { Settings } from '../settings.ts';
import { sourceDue, sourceId } from '../source-state.ts';
import { backOff } from '../transmission.ts';
import type { SequencePair } from './pair.ts';
import type { Terms } from './terms.ts';

/** The longest wait between two greetings over a connection on which nothing was heard, in milliseconds. */
const longestSilence = 30_000;

interface WaitsInit {
  readonly settings: Settings;
  readonly terms: Terms;
  readonly pair: SequencePair;
  /** True when the session stands still. */
  readonly isStopped: () => boolean;
  /** Fires when the session is over. */
  readonly end: AbortSignal;
  /** Time has passed for both sequences. */
  readonly elapsed: () => void;
  /** Says what was received; with `asks`, asks for the same of that sequence. */
  readonly acknowledge: (asks: string | undefined) => void;
}

export class Waits {
  readonly #my: WaitsInit;
  #due: Timer | undefined;
  /** The next word to a peer that says nothing. */
  #greeting: Timer | undefined;
  /** The last wait for a word of the peer; what else it says meanwhile does not end it. */
  #farewell: Timer | undefined;
  /** The end of the wait for an answer that is not foreseen. */
  #parting: Timer | undefined;

  constructor(my: WaitsInit) {
    this.#my = my;
  }

  /** After each step: what is due next may have changed. */
  rearm(): void {
    this.#due?.cancel();
    const { settings, terms, pair, isStopped, elapsed } = this.#my;
    if (isStopped()) return;
    const { source, receipt } = pair;
    const sending = sourceDue(source, terms.policy);
    const receiving = receipt === undefined ? undefined : destinationDue(receipt, terms.assurance);
    const dues = [sending, receiving].filter((one) => one !== undefined).filter(Number.isFinite);
    const due = dues.sort((one, other) => one - other)[0];
    this.#due = due === undefined ? undefined : settings.clock.at(due, elapsed);
  }

  /** Until anything is heard over the new connection, the acceptor may not know that there is one to send on. */
  greet(attempt = 1): void {
    this.#greeting?.cancel();
    const { settings, pair, isStopped, end, acknowledge } = this.#my;
    if (pair.receipt === undefined || isStopped() || end.aborted) return;
    const { phase } = pair.source;
    const live = phase === 'created' || phase === 'rollover' || phase === 'draining';
    acknowledge(live ? sourceId(pair.source) : undefined);
    if (pair.side === 'acceptor') return;
    const { clock, random, retryFloor } = settings;
    const pause = backOff(2 * retryFloor, attempt, random.fraction(), longestSilence);
    this.#greeting = clock.at(later(clock.now(), pause), () => this.greet(attempt + 1));
  }

  /** The peer has said something. */
  heard(): void {
    this.#greeting?.cancel();
  }

  /** 2005/02 has no answer to TerminateSequence: the peer may say nothing more. */
  forSilence(over: () => void): void {
    const { clock, farewellTimeout } = this.#my.settings;
    this.#parting ??= clock.at(later(clock.now(), farewellTimeout), over);
  }

  /** The peer has a sequence to end as well; some never do. */
  forFarewell(over: () => void): void {
    const { clock, farewellTimeout } = this.#my.settings;
    this.#greeting?.cancel();
    this.#farewell?.cancel();
    this.#farewell = clock.at(later(clock.now(), farewellTimeout), over);
  }

  stop(): void {
    this.#due?.cancel();
    this.#greeting?.cancel();
    this.#farewell?.cancel();
    this.#parting?.cancel();
  }
}
