/**
 * How a duplex end speaks: composes what the effects of its source ask for, takes acknowledgements along, and puts it on its way
 * over the connection of the moment. Where there is none nothing is said; the timers of the session will come back to it.
 */
import { asError, isRefusal, type SurewireError } from '../../base/errors.ts';
import type { Delivery } from '../../channel/delivery.ts';
import { onRefused } from '../../channel/refusal.ts';
import { denialOf } from '../../soap/denial.ts';
import { publish } from '../events.ts';
import type { Acknowledgement } from '../headers.ts';
import { isQuiet } from '../ledger.ts';
import type { Statistics } from '../session.ts';
import { ledgerOf, type SourceEffect, type SourceEvent } from '../source-state.ts';
import { resendCause } from '../watch.ts';
import type { Acknowledging } from './acknowledging.ts';
import type { DuplexInit } from './ends.ts';
import type { Outbox } from './outbox.ts';
import type { SequencePair } from './pair.ts';
import type { DuplexWording } from './wording.ts';

interface VoiceInit {
  readonly init: DuplexInit;
  readonly wording: DuplexWording;
  readonly acknowledging: Acknowledging;
  readonly outbox: Outbox;
  readonly statistics: Statistics;
  readonly pair: SequencePair;
  /** Fires when the session is over. */
  readonly end: AbortSignal;
  /** The password that was offered is refused; `proven`: by the service itself. */
  readonly denied: (error: Error, isProven: boolean) => void;
  /** The sequence cannot be asked for, and asking again cannot mend that. */
  readonly declined: (error: SurewireError) => void;
}

/** Effects of a source that are messages. */
type Spoken = Extract<
  SourceEffect,
  { readonly effect: 'create' | 'transmit' | 'poll' | 'close' | 'terminate' | 'fault' }
>;

interface Transmitting {
  /** Of the sequence. */
  readonly id: string;
  /** The event that it came of. */
  readonly after: SourceEvent['kind'];
  /** What is acknowledged on the way. */
  readonly riding: () => Acknowledgement | undefined;
}

export class Voice {
  readonly #my: VoiceInit;
  #lastWord: Promise<unknown> = Promise.resolve();

  constructor(my: VoiceInit) {
    this.#my = my;
  }

  /** Settles when the last thing to be said to the peer is on its way, or cannot be. */
  get lastWord(): Promise<unknown> {
    return this.#lastWord;
  }

  /** @param after the event that the effect came of */
  say(effect: Spoken, after: SourceEvent['kind']): void {
    const { init, wording, pair } = this.#my;
    const { sends, receives } = pair.ids;
    const isAgain = isCopy(effect, after);
    const riding = () => this.#my.acknowledging.riding(isAgain);
    switch (effect.effect) {
      case 'create':
        publish(() => ({ event: 'sequence.creating', ...pair.tell.of, attempt: effect.attempt }));
        this.#send('create', init.create);
        return;
      case 'transmit':
        this.#transmit(effect, { id: sends, after, riding });
        return;
      case 'poll':
        publish(() => ({ event: 'acknowledgement.requested', ...pair.mine }));
        this.#send('poll', () => wording.stateOfThings(riding(), sends));
        return;
      case 'close': {
        const { last, attempt } = effect;
        publish(() => ({ event: 'sequence.closing', ...pair.mine, last, attempt }));
        this.#send('close', () => wording.closeSequence(sends, last, riding()));
        return;
      }
      case 'terminate': {
        const { last, attempt } = effect;
        publish(() => ({ event: 'sequence.terminating', ...pair.mine, last, attempt }));
        this.#send('terminate', () => wording.terminateSequence(sends, last, riding()));
        return;
      }
      case 'fault': {
        const { fault, text: reason } = effect;
        publish(() => ({ event: 'sequence.faulted', ...pair.tell.of, by: 'here', fault, reason }));
        this.#send('fault', () => wording.fault(effect, sends, receives));
        return;
      }
      default:
        effect satisfies never;
    }
  }

  /** Says what was received; with `asks`, asks for the same of that sequence. A peer that is not told says its own again, later. */
  acknowledge(asks?: string): void {
    const { wording, acknowledging, init, pair } = this.#my;
    const ledger = ledgerOf(pair.source);
    if (ledger !== undefined && isQuiet(ledger, init.settings.clock.now())) return;
    this.#send('acknowledgement', () => wording.stateOfThings(acknowledging.whole(), asks));
  }

  /** Says what is missing of what the peer sends. */
  missing(numbers: readonly number[]): void {
    const { wording, pair } = this.#my;
    const id = pair.ids.receives;
    if (id === undefined) return;
    publish(() => ({ event: 'messages.missing', ...pair.theirs, numbers }));
    this.#send('acknowledgement', () => wording.missing(id, numbers));
  }

  #transmit(
    { number, attempt, last, asks }: Extract<SourceEffect, { readonly effect: 'transmit' }>,
    { id, after, riding }: Transmitting,
  ): void {
    const { wording, outbox, statistics, pair } = this.#my;
    statistics[attempt === 1 ? 'sent' : 'resent'] += 1;
    publish(() =>
      attempt === 1
        ? { event: 'message.sent', ...pair.mine, number, attempt }
        : { event: 'message.resent', ...pair.mine, number, attempt, cause: resendCause(after) },
    );
    const how = { id, number, asks: asks === true };
    const worded = (trip: Delivery) => trip.carrying(wording.sequenced(trip.message, how, riding()));
    this.#send('message', () => {
      if (last) return wording.lastMessage(id, number, riding());
      const known = outbox.message(number);
      return known instanceof Promise ? known.then(worded) : worded(known);
    });
  }

  #send(about: string, compose: () => Delivery | Promise<Delivery>): void {
    const { init, end, pair, declined, denied } = this.#my;
    const hearDenial = (error: Error) => {
      const denial = denialOf(error);
      if (denial !== undefined) denied(error, denial === 'proven');
    };
    const sending = async () => {
      // What nobody proves to be the peer's word ends no message of a session (attack M5); a refused password is not offered at once.
      const trip = (await compose()).with(onRefused, hearDenial);
      // What is said at the end has to outlive the session.
      const isWork = about === 'message' || about === 'create';
      await init.post(trip.under(isWork ? end : init.signal));
    };
    const said = sending();
    if (about === 'fault' || about === 'terminate') this.#lastWord = said.catch(() => undefined);
    said.catch((thrown: unknown) => {
      if (end.aborted) return;
      const error = asError(thrown);
      const { message: reason, name: code } = error;
      const isFinal = about === 'create' && isRefusal(error);
      hearDenial(error);
      publish(() => ({ event: 'exchange.failed', about, number: null, code, reason, isFinal, ...pair.tell.of }));
      if (isFinal) declined(error);
    });
  }
}

/** Whether it was said before, and may have been lost with what it acknowledged; a question is asked when nothing was heard for long. */
function isCopy(effect: Spoken, after: SourceEvent['kind']): boolean {
  if (effect.effect === 'poll' || after === 'resumed') return true;
  return 'attempt' in effect && effect.attempt > 1;
}
