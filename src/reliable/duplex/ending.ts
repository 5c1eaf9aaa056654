/**
 * The end of a duplex session: what the end of one sequence means for the other, and whether the session is over, stands still or
 * has failed; and with which error whoever waits for something of it is let go.
 */
import { asError } from '../../base/errors.ts';
import type { DestinationEnd } from '../destination-state.ts';
import { type Outcome, ReliableError } from '../errors.ts';
import { publish } from '../events.ts';
import { abortion, type Bare } from '../interpret.ts';
import { suspension } from '../partings.ts';
import type { EndReason, SourceEvent } from '../source-state.ts';
import type { Given } from './change.ts';
import type { DuplexInit } from './ends.ts';
import type { Outbox } from './outbox.ts';
import type { SequencePair } from './pair.ts';
import type { Waits } from './waits.ts';

const sourceEnds: Readonly<Record<Exclude<DestinationEnd, 'completed'>, EndReason>> = {
  inactive: { code: 'RELIABLE_INACTIVE', text: 'Nothing was heard of the peer for too long.' },
  idle: { code: 'RELIABLE_INACTIVE', text: "No message of the peer's application came for too long." },
  expired: { code: 'RELIABLE_EXPIRED', text: 'The life that was granted to the sequence is over.' },
  faulted: { code: 'RELIABLE_TERMINATED', text: 'The session was given up.' },
};

interface EndingInit {
  readonly init: DuplexInit;
  readonly pair: SequencePair;
  readonly outbox: Outbox;
  readonly waits: () => Waits;
  readonly label: () => string | undefined;
  readonly outcome: (number: number) => Outcome;
  /** Gives a step of its own to the session. */
  readonly run: (given: Given) => void;
  /** There will be no sequence to send on. */
  readonly unopened: (error: Error) => void;
  /** Nothing is waited for, acknowledged or handed up any more. */
  readonly quiet: () => void;
}

export class Ending {
  readonly #my: EndingInit;
  readonly #end = new AbortController();
  #isStopped = false;
  /** Why it stands still. */
  #halted: ReliableError | undefined;
  #trouble: Error | undefined;
  /** What the application was handed and has not finished is not waited for. */
  #isAbandoned = false;

  constructor(my: EndingInit) {
    this.#my = my;
  }

  /** Fires when the session is over, or stands still. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** True when the session stands still, or is over for all that its handlers still do: it takes no step any more. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Why nothing can be submitted any more. */
  get refusal(): ReliableError {
    return this.#halted ?? this.#gone;
  }

  /** This end gives the session up: whoever waits for something of it is not to wait for handlers that still run. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  /** What went wrong last, and may be why the session ends. */
  troubled(trouble: Error): void {
    this.#trouble = trouble;
  }

  /** One sequence has ended: what that means for the other, and for the session. */
  conclude(): void {
    const { init, pair, run, waits } = this.#my;
    const { source, receipt } = pair;
    if (source.phase === 'ended') {
      const { reason } = source;
      if (receipt === undefined || receipt.phase === 'ended' || this.#isAbandoned) this.#over(reason);
      else if (reason.code !== 'completed') {
        // Once: after that what the application was handed is still to be finished.
        if (receipt.phase !== 'terminated') run({ receipt: [{ kind: 'fault' }] });
      } else if (pair.side === 'initiator') waits().forFarewell(() => this.#over(reason));
      return;
    }
    const { terminateSequenceResponse } = init.version.actions;
    if (source.phase === 'terminating' && pair.side === 'initiator' && terminateSequenceResponse === undefined) {
      waits().forSilence(() => this.#post({ kind: 'terminate-answered' }));
    }
    if (receipt?.phase !== 'ended') return;
    if (receipt.reason !== 'completed') {
      const { code, text } = sourceEnds[receipt.reason];
      this.#post(abortion(code === 'completed' ? 'RELIABLE_FAILED' : code, text, receipt.reason !== 'faulted'));
    } else if (pair.side === 'acceptor' && (source.phase === 'created' || source.phase === 'rollover')) {
      this.#post({ kind: 'close' });
    }
  }

  /** The source has ended, in good order or not. */
  sourceEnded(reason: EndReason): void {
    if (reason.code !== 'completed') this.#giveUp(this.#errorFor(reason));
  }

  /** The source gives up where the store keeps the session. */
  suspended({ text }: EndReason): void {
    this.halt(suspension(text, this.#my.label(), { outcomes: this.#outcomes, trouble: this.#trouble }));
  }

  /** The session stands still at this end. */
  halt(error: ReliableError): void {
    const { init, pair, quiet } = this.#my;
    if (this.#isStopped || this.#end.signal.aborted) return;
    this.#isStopped = true;
    this.#halted = error;
    quiet();
    publish(() => ({ event: 'session.suspended', ...pair.tell.of, code: error.code, reason: error.message }));
    this.#giveUp(error);
    this.#end.abort(error);
    init.onHalted?.(error);
  }

  /** The store failed: this process cannot go on with the session. To an acceptor the peer comes again. */
  fail(thrown: unknown): void {
    const { pair } = this.#my;
    const error = asError(thrown);
    if (this.#isStopped || this.#end.signal.aborted) return;
    publish(() => ({ event: 'store.failed', ...pair.tell.of, number: null, reason: error.message }));
    if (pair.side === 'acceptor') return;
    this.halt(new ReliableError('RELIABLE_STORE', error.message, { transient: true, cause: error }));
  }

  /** Why the session ended; `undefined` when it did in good order. */
  errorOf(reason: EndReason): ReliableError | undefined {
    return reason.code === 'completed' ? undefined : this.#errorFor(reason);
  }

  #over(reason: EndReason): void {
    const { init, pair, quiet } = this.#my;
    if (this.#end.signal.aborted) return;
    const { receipt } = pair;
    const isBad = reason.code === 'completed' && receipt?.phase === 'ended' && receipt.reason !== 'completed';
    const why = isBad ? sourceEnds[receipt.reason] : reason;
    // What finishes late would be kept after all was forgotten, and be taken up again.
    this.#isStopped ||= receipt !== undefined && receipt.phase !== 'ended';
    publish(() => ({ event: 'sequence.terminated', ...pair.tell.of, reason: why.code, text: why.text }));
    this.#giveUp(this.#errorFor(why));
    quiet();
    this.#end.abort(this.#gone);
    init.onEnded(why);
  }

  #post(event: Bare<SourceEvent>): void {
    this.#my.run({ source: [event] });
  }

  #errorFor(reason: EndReason): ReliableError {
    if (reason.code === 'completed') return this.#gone;
    const outcomes = this.#outcomes;
    const transient = reason.code === 'RELIABLE_TOO_BUSY' || reason.code === 'RELIABLE_OPEN_TIMEOUT';
    return new ReliableError(reason.code, reason.text, { outcomes, transient, cause: this.#trouble });
  }

  /** What is known of the messages for which somebody waits. */
  get #outcomes(): ReadonlyMap<number, Outcome> {
    const { outbox, outcome } = this.#my;
    return new Map(outbox.awaited.map((number) => [number, outcome(number)]));
  }

  get #gone(): ReliableError {
    return new ReliableError('RELIABLE_CLOSED', 'The session is closed.');
  }

  #giveUp(error: Error): void {
    const { outbox, outcome, unopened } = this.#my;
    outbox.giveUp(error, outcome);
    unopened(error);
  }
}
