/**
 * What an initiator keeps of its session. With a store and a label the session outlives the process: the unfinished one is
 * found again, and each step is durable before it is performed.
 */

import type { Template } from '../channel/channel.ts';
import type { Delivery } from '../channel/delivery.ts';
import type { Message } from '../soap/message.ts';
import type { IncompleteSequenceBehavior } from './bodies.ts';
import { type DestinationState, sameReceipt } from './destination-state.ts';
import { ReliableError } from './errors.ts';
import type { Origin } from './origin.ts';
import { type InitiatorRecord, initiatorRecord, isOver, readInitiatorRecord } from './record.ts';
import { Journal, storeFailed } from './session.ts';
import type { Settings } from './settings.ts';
import { ledgerOf, type SourceEffect, type SourceState, sameSending, sourceId, submitted } from './source-state.ts';
import type { Direction, SessionChange } from './store.ts';

/** All that changes in a session. */
export interface Knowledge {
  readonly source: SourceState;
  readonly replies: DestinationState | undefined;
}

/** What a step changes among the stored messages. */
type MessageChange = Required<Pick<SessionChange, 'put' | 'drop'>>;

export class Keeper {
  readonly #settings: Settings;
  /** Labels that are open in this process, shared by all channels of one element. */
  readonly #inUse: Set<string>;
  #journal = new Journal(undefined, '');
  #record: InitiatorRecord | undefined;
  /** Keys of ended sessions in the store that need not be remembered any more. */
  readonly #outdated: string[] = [];
  #claimed: string | undefined;

  constructor(settings: Settings, inUse: Set<string>) {
    this.#settings = settings;
    this.#inUse = inUse;
  }

  /** Absent before `begin`. */
  get record(): InitiatorRecord | undefined {
    return this.#record;
  }

  /**
   * Takes up the unfinished session of this label and destination, or makes a new one, which is not durable yet.
   *
   * @throws ReliableError `RELIABLE_IN_USE`, `RELIABLE_STORE`
   */
  async begin(template: Template): Promise<{ readonly record: InitiatorRecord; readonly resumed: boolean }> {
    const { store, label, newIdentifier, oneWay, version } = this.#settings;
    if (label !== undefined) this.#claim(label, template);
    const found = await this.#unfinished(template);
    if (found !== undefined) return { record: found, resumed: true };
    const createId = newIdentifier('message');
    const offer = oneWay ? undefined : newIdentifier('offer');
    this.#journal = new Journal(label === undefined ? undefined : store, `initiator ${createId}`);
    this.#record = initiatorRecord({ version, template, label, createId, offer });
    return { record: this.#record, resumed: false };
  }

  /** Notes who answered CreateSequence, and what they do with a sequence that ends with a gap. */
  bind(peer: string, behaviour: IncompleteSequenceBehavior | undefined, origin?: Origin): void {
    if (this.#record !== undefined) this.#record = { ...this.#record, peer, behaviour, origin };
  }

  /**
   * Makes durable what `after` knows more than `before`. Attempts and times are not worth a write.
   *
   * @param trip the message that an effect numbers
   * @returns `undefined` when there is nothing to wait for; rejects with ReliableError `RELIABLE_STORE`
   */
  append(
    before: Knowledge,
    after: Knowledge,
    effects: readonly SourceEffect[],
    trip: Delivery | undefined,
  ): Promise<void> | undefined {
    if (!this.#journal.isDurable || this.#record === undefined || same(before, after)) return undefined;
    return this.#write(this.#record, before, after, effects, trip);
  }

  async #write(
    record: InitiatorRecord,
    before: Knowledge,
    after: Knowledge,
    effects: readonly SourceEffect[],
    trip: Delivery | undefined,
  ): Promise<void> {
    if (after.source.phase === 'ended') return this.#bury(record, before, after);
    const put = effects.flatMap((effect) =>
      effect.effect === 'numbered' && trip !== undefined
        ? [{ direction: 'out' as const, number: effect.number, octets: this.#journal.octets(trip.message) }]
        : [],
    );
    const drop = effects.flatMap((effect) =>
      effect.effect === 'settled' ? [{ direction: 'out' as const, number: effect.number }] : [],
    );
    await this.#commit(record, after, { put, drop });
  }

  /**
   * The same for a duplex session, whose messages come and go both ways.
   *
   * @param isLast nothing of the session goes on, whatever its sequences say
   * @throws ReliableError `RELIABLE_STORE`
   */
  async appendBoth(before: Knowledge, after: Knowledge, change: MessageChange, isLast = false): Promise<void> {
    if (!this.#journal.isDurable || this.#record === undefined) return;
    const { put, drop } = change;
    if (!isLast && same(before, after) && put.length === 0 && drop.length === 0) return;
    // The identifier is wanted when its sequence has ended and the other has not.
    const id = after.source.phase === 'ended' ? (this.#record.id ?? sourceId(before.source)) : undefined;
    const record = id === undefined ? this.#record : { ...this.#record, id };
    const isEnd = isLast || isOver({ source: after.source, replies: after.replies ?? null });
    await (isEnd ? this.#bury(record, before, after) : this.#commit(record, after, change));
  }

  async #commit(record: InitiatorRecord, after: Knowledge, change: MessageChange): Promise<void> {
    this.#record = { ...record, source: after.source, replies: after.replies ?? null };
    await this.#journal.commit({ state: this.#record, ...change });
    await this.#clear();
  }

  /** The session is over: what became of its messages stays for a while, so that nobody sends them again. */
  async #bury(record: InitiatorRecord, before: Knowledge, after: Knowledge): Promise<void> {
    const { clock, rememberOutcomes } = this.#settings;
    const left = ledgerOf(before.source);
    if (rememberOutcomes === 0 || submitted(before.source) === 0) return this.#journal.commit({ end: true });
    const id = sourceId(before.source) ?? record.id;
    this.#record = { ...record, source: after.source, replies: null, ended: clock.now(), id };
    const numbers = left?.flights.map(({ number }) => number) ?? [];
    for (let number = (left?.sent ?? 0) + 1; number < (left?.next ?? 0); number += 1) numbers.push(number);
    await this.#journal.bury(this.#record, [
      ...numbers.map((number) => ({ direction: 'out' as const, number })),
      ...(before.replies?.held ?? []).map(({ number }) => ({ direction: 'in' as const, number })),
    ]);
    await this.#clear();
  }

  /** Forgets earlier sessions, now that there is something newer to remember, or because their time is over. */
  async #clear(): Promise<void> {
    const { store } = this.#settings;
    for (const session of this.#outdated.splice(0)) await new Journal(store, session).commit({ end: true });
  }

  /** @throws ReliableError `RELIABLE_STORE` */
  message(number: number, direction: Direction = 'out'): Promise<Message> {
    return this.#journal.message(direction, number);
  }

  /** What goes into the store of a message; empty when there is none. */
  octets(message: Message): Uint8Array {
    return this.#journal.octets(message);
  }

  /** Another channel may open the label now. */
  release(): void {
    if (this.#claimed !== undefined) this.#inUse.delete(this.#claimed);
    this.#claimed = undefined;
  }

  #claim(label: string, template: Template): void {
    const claim = `${label.length} ${label} ${template.to ?? ''}`;
    if (this.#inUse.has(claim)) {
      const text = `The session "${label}" is open already. Close it first, or use another label.`;
      throw new ReliableError('RELIABLE_IN_USE', text);
    }
    this.#inUse.add(claim);
    this.#claimed = claim;
  }

  async #unfinished(template: Template): Promise<InitiatorRecord | undefined> {
    const { store, label, version, clock, rememberOutcomes } = this.#settings;
    if (store === undefined || label === undefined) return undefined;
    const all = await store.sessions().catch((thrown: unknown) => Promise.reject(storeFailed(thrown)));
    for (const { session, state } of all) {
      const record = readInitiatorRecord(state);
      if (record === undefined) continue;
      const isOurs = record.label === label && record.to === (template.to ?? null);
      if (isOver(record)) {
        const isOld = clock.now() - (record.ended ?? 0) >= rememberOutcomes;
        if (isOurs || isOld) this.#outdated.push(session);
        continue;
      }
      if (!isOurs || record.version !== version.name || this.#record !== undefined) continue;
      this.#journal = new Journal(store, session);
      this.#record = record;
    }
    return this.#record;
  }
}

/** True when the two would be worth the same to a process that takes the session up. */
function same(one: Knowledge, other: Knowledge): boolean {
  if (!sameSending(one.source, other.source)) return false;
  if (one.replies === undefined || other.replies === undefined) return one.replies === other.replies;
  return sameReceipt(one.replies, other.replies);
}
