/** How a driver tells of its session: the events that both ends have in common, with the session's names filled in. */
import { SurewireError } from '../base/errors.ts';
import type { Side } from '../channel/channel.ts';
import type { About, Control } from './composer.ts';
import type { DestinationState } from './destination-state.ts';
import { publish } from './events.ts';
import type { ReliableFault } from './faults.ts';
import type { Acknowledgement } from './headers.ts';
import type { SourceEvent } from './source-state.ts';

/** What a session is called now. */
export interface Names {
  readonly id: string;
  /** Identifier of the sequence for replies. */
  readonly offer: string | undefined;
}

type Heard = Pick<Acknowledgement, 'ranges' | 'nacks' | 'final' | 'bufferRemaining'>;

export class Narration {
  readonly #side: Side;
  readonly #names: () => Names;

  constructor(side: Side, names: () => Names) {
    this.#side = side;
    this.#names = names;
  }

  get of(): { readonly side: Side; readonly session: string } {
    return { side: this.#side, session: this.#names().id };
  }

  /** About the sequence that the initiator sends on. */
  get requests(): { readonly side: Side; readonly session: string; readonly sequence: string } {
    const { id } = this.#names();
    return { side: this.#side, session: id, sequence: id };
  }

  /** About the sequence that the acceptor sends on. */
  get replies(): { readonly side: Side; readonly session: string; readonly sequence: string } {
    const { id, offer = '' } = this.#names();
    return { side: this.#side, session: id, sequence: offer };
  }

  /** A protocol message goes out. */
  control(effect: Control): void {
    switch (effect.effect) {
      case 'create':
        publish(() => ({ event: 'sequence.creating', ...this.of, attempt: effect.attempt }));
        return;
      case 'poll':
        publish(() => ({ event: 'acknowledgement.requested', ...this.requests }));
        return;
      case 'close':
      case 'terminate': {
        const { last, attempt } = effect;
        const event = effect.effect === 'close' ? 'sequence.closing' : 'sequence.terminating';
        publish(() => ({ event, ...this.requests, last, attempt }));
        return;
      }
      default:
        effect satisfies never;
    }
  }

  /** The initiator acknowledges replies on what it sends. */
  repliesAcknowledged(replies: DestinationState | undefined, final: boolean): void {
    if (replies === undefined || replies.received.length === 0) return;
    const { received: ranges } = replies;
    publish(() => ({ event: 'acknowledgement.sent', ...this.replies, ranges, final, room: null }));
  }

  /** The initiator heard an acknowledgement of its messages. */
  requestsAcknowledged(
    event: Omit<Extract<SourceEvent, { readonly kind: 'acknowledgement' }>, 'now' | 'jitter'>,
  ): void {
    this.#heard(this.requests, event);
  }

  /** The acceptor heard an acknowledgement of its replies. */
  heardOfReplies(acknowledgement: Acknowledgement): void {
    this.#heard(this.replies, acknowledgement);
  }

  #heard(on: Narration['requests'], { ranges, nacks, final, bufferRemaining }: Heard): void {
    const room = bufferRemaining ?? null;
    publish(() => ({ event: 'acknowledgement.received', ...on, ranges, nacks, final, room }));
  }

  /** An exchange failed. */
  trouble(about: About, error: Error, isFinal: boolean): void {
    const number = about.kind === 'message' ? about.number : null;
    const code = error instanceof SurewireError ? error.code : error.name;
    const { message: reason } = error;
    publish(() => ({ event: 'exchange.failed', ...this.of, about: about.kind, number, code, reason, isFinal }));
  }

  /** The answer was empty. */
  empty(about: About): void {
    const number = about.kind === 'message' ? about.number : null;
    publish(() => ({ event: 'exchange.empty', ...this.of, about: about.kind, number }));
  }

  /** The peer answered with a fault of WS-RM. */
  faulted(fault: ReliableFault | undefined): void {
    if (fault === undefined) return;
    const { name, reason } = fault;
    publish(() => ({ event: 'sequence.faulted', ...this.of, by: 'peer', fault: name, reason }));
  }
}
