/**
 * How a duplex end listens: turns what the peer says into events for both reducers, and says what is to be said in answer on the
 * same connection. Runs in the mailbox of the session.
 */
import type { Delivery } from '../../channel/delivery.ts';
import type { DestinationEffect, DestinationEvent } from '../destination-state.ts';
import { publish } from '../events.ts';
import { type Acknowledgement, withoutReliableHeaders } from '../headers.ts';
import type { Bare } from '../interpret.ts';
import { refused } from '../responses.ts';
import type { Statistics } from '../session.ts';
import { type SourceEvent, sourceId, submitted } from '../source-state.ts';
import type { Acknowledging } from './acknowledging.ts';
import type { Beside, Given } from './change.ts';
import type { DuplexInit } from './ends.ts';
import { faultHeard } from './fault.ts';
import type { About, Hearing } from './hearing.ts';
import type { SequencePair } from './pair.ts';
import type { DuplexWording } from './wording.ts';

interface EarInit {
  readonly init: DuplexInit;
  readonly wording: DuplexWording;
  readonly acknowledging: Acknowledging;
  readonly statistics: Statistics;
  readonly pair: SequencePair;
  readonly step: (given: Given, beside?: Beside) => Promise<readonly DestinationEffect[]>;
  readonly acknowledge: () => void;
  /** Hears why the peer gives the session up. */
  readonly troubled: (trouble: Error) => void;
}

type Learned = readonly Bare<SourceEvent>[];

export class Ear {
  readonly #my: EarInit;

  constructor(my: EarInit) {
    this.#my = my;
  }

  /** @throws ReliableError with the fault to answer */
  async hear(trip: Delivery, { about, headers }: Hearing): Promise<Delivery | undefined> {
    const { pair, step, wording, acknowledge } = this.#my;
    const { source, receipt: before } = pair;
    const sends = sourceId(source);
    const learned: Bare<SourceEvent>[] = [{ kind: 'heard' }];
    for (const block of headers?.acknowledgements ?? []) {
      if (block.id === sends && sends !== undefined) learned.push(this.#learned(block));
    }
    const asked = before !== undefined && headers?.ackRequested.includes(before.id) === true;
    switch (about.kind) {
      case 'message':
        return this.#arrived(trip, about.block, learned, asked);
      case 'acknowledgement':
        await step({ source: learned, receipt: [{ kind: 'heard' }] });
        if (asked) acknowledge();
        return undefined;
      case 'close': {
        await this.#ending(learned, { kind: 'close', last: about.body.last });
        const { receipt } = pair;
        return receipt === undefined ? undefined : trip.carrying(wording.sequenceClosed(trip.message, receipt));
      }
      case 'terminate':
        return this.#terminated(trip, learned, about.body.last);
      case 'closed':
      case 'terminated': {
        if (about.body.id !== sends) return undefined;
        const answered = about.kind === 'closed' ? ('close-answered' as const) : ('terminate-answered' as const);
        await step({ source: [...learned, { kind: answered }] });
        return undefined;
      }
      case 'fault':
        await this.#faulted(about, learned);
        return undefined;
      case 'create':
      case 'created':
        return undefined;
      default:
        return about satisfies never;
    }
  }

  #learned({ ranges, nacks, final, bufferRemaining: room }: Acknowledgement): Bare<SourceEvent> {
    const { init, pair } = this.#my;
    const { tell } = pair;
    const heard = { ranges, nacks, final, bufferRemaining: init.settings.flowControlEnabled ? room : undefined };
    if (init.side === 'initiator') tell.requestsAcknowledged({ kind: 'acknowledgement', ...heard });
    else tell.heardOfReplies({ id: '', ...heard });
    return { kind: 'acknowledgement', ...heard };
  }

  async #arrived(
    trip: Delivery,
    { number, last }: { readonly number: number | 'beyond'; readonly last: boolean },
    learned: Learned,
    asked: boolean,
  ): Promise<undefined> {
    const { init, pair, step, statistics, acknowledging, acknowledge } = this.#my;
    const identifier = pair.theirs.sequence;
    if (number === 'beyond') {
      const reason = 'The message number is beyond 9223372036854775807.';
      throw refused({ name: 'MessageNumberRollover', code: 'sender', reason, identifier });
    }
    const kept = trip.carrying(withoutReliableHeaders(trip.message));
    const bytes = trip.message.source?.length ?? init.keep.octets(kept.message).length;
    const event = { kind: 'message' as const, number, bytes, last };
    const effects = await step({ source: learned, receipt: [event] }, { arrival: { number, trip: kept } });
    for (const effect of effects) {
      switch (effect.effect) {
        case 'accept':
          publish(() => ({ event: 'message.accepted', ...pair.theirs, number }));
          acknowledging.accepted(last ? 'now' : asked ? 'soon' : 'later');
          break;
        case 'duplicate':
          statistics.duplicates += 1;
          publish(() => ({ event: 'duplicate.dropped', ...pair.theirs, number }));
          acknowledge();
          break;
        case 'drop':
          statistics.dropped += 1;
          publish(() => ({ event: 'message.dropped', ...pair.theirs, number, reason: effect.why }));
          if (asked) acknowledge();
          break;
        case 'fault':
          throw refused({ name: effect.fault, code: 'sender', reason: effect.text, identifier });
        default:
      }
    }
    return undefined;
  }

  async #ending(
    learned: Learned,
    event: Bare<Extract<DestinationEvent, { readonly kind: 'close' | 'terminate' }>>,
  ): Promise<void> {
    const effects = await this.#my.step({ source: learned, receipt: [event] });
    const fault = effects.find((effect) => effect.effect === 'fault');
    if (fault === undefined) return;
    const identifier = this.#my.pair.theirs.sequence;
    throw refused({ name: fault.fault, code: 'sender', reason: fault.text, identifier });
  }

  async #terminated(trip: Delivery, learned: Learned, last: number | undefined): Promise<Delivery | undefined> {
    const { init, wording, pair } = this.#my;
    const isAnswered = init.version.actions.terminateSequenceResponse !== undefined;
    // 2005/02 has no answer to TerminateSequence but the peer's own, which the acceptor says last.
    const isOwn = !isAnswered && init.side === 'initiator';
    const mutual: Learned = isOwn ? [{ kind: 'terminate-answered' }] : [];
    await this.#ending([...learned, ...mutual], { kind: 'terminate', last });
    const { source, receipt } = pair;
    if (receipt === undefined) return undefined;
    const response = wording.sequenceTerminated(trip.message, receipt);
    if (response !== undefined) return trip.carrying(response);
    // The initiator says it again: our own, which is the last word of the session, did not arrive.
    if (init.side === 'initiator' || source.phase !== 'ended') return undefined;
    return trip.carrying(wording.terminateSequence(pair.ids.sends, submitted(source), undefined).message);
  }

  async #faulted({ fault }: Extract<About, { readonly kind: 'fault' }>, learned: Learned): Promise<void> {
    const { pair, step, troubled } = this.#my;
    const { sends, receives } = pair.ids;
    if (fault === undefined) return;
    const { identifier } = fault;
    if (identifier !== undefined && identifier !== sends && identifier !== receives) return;
    pair.tell.faulted(fault);
    const heard = faultHeard(fault, pair.source.phase, identifier === sends);
    if (heard.trouble !== undefined) troubled(heard.trouble);
    await step({ source: [...learned, ...heard.source], receipt: heard.isEnd ? [{ kind: 'fault' }] : [] });
  }
}
