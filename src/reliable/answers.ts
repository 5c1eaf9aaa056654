/**
 * The replies of an acceptor's session: each gets a number on the reply sequence in the order in which they are made, and is
 * kept until the client has acknowledged it, so that a repeated request gets the same reply (WCF's reply channel; spec. rule
 * that numbers are never used twice). Pure steps over the session's record.
 *
 * A client that offered no sequence cannot acknowledge replies. It gets them without a number, beside the acknowledgement of
 * the request, and the last few are kept for requests that are repeated.
 */
import { addressingOf, isNone } from '../soap/addressing.ts';
import type { Message } from '../soap/message.ts';
import type { DestinationState } from './destination-state.ts';
import type { ReliableError } from './errors.ts';
import type { Acknowledgement } from './headers.ts';
import type { Transmission, When } from './ledger.ts';
import { count, type Ranges } from './ranges.ts';
import type { AcceptorRecord, Answer } from './record.ts';
import { refused } from './responses.ts';
import { source } from './source.ts';
import { submitted } from './source-state.ts';

/** The part of the record that is about replies. */
export type Replies = Pick<AcceptorRecord, 'source' | 'answers'>;

/** What the client's acknowledgement of replies changes: numbers that need not be kept any more, or why it cannot be true. */
export function learned(
  record: Replies,
  acknowledgement: Acknowledgement,
  when: When,
  policy: Transmission,
): { readonly record: Replies; readonly settled: readonly number[] } | { readonly error: ReliableError } {
  if (record.source === null) return { record, settled: [] };
  const { ranges, nacks } = acknowledgement;
  // Final on the reply sequence only says that the client is closing; its own close will come.
  const event = { kind: 'acknowledgement', ranges, nacks, final: false, bufferRemaining: undefined, ...when } as const;
  const [next, effects] = source(record.source, event, policy);
  for (const effect of effects) {
    if (effect.effect !== 'fault') continue;
    return { error: refused({ name: 'InvalidAcknowledgement', code: 'sender', reason: effect.text, acknowledgement }) };
  }
  const settled = effects.flatMap((effect) => (effect.effect === 'settled' ? [effect.number] : []));
  const answers = record.answers.filter(({ reply }) => !settled.includes(reply));
  return { record: { source: next, answers }, settled };
}

/**
 * The next reply: to request `request`, with what was acknowledged when that was accepted.
 *
 * @param window how many replies without a number are kept
 * @param last no reply comes after it
 * @returns `forgotten`: replies that need not be kept any more
 */
export function answered(
  record: Replies,
  request: number,
  acknowledged: Ranges,
  when: When,
  policy: Transmission,
  window: number,
  last: boolean,
): { readonly record: Replies; readonly answer: Answer; readonly forgotten: readonly number[] } {
  if (record.source === null) {
    const answer: Answer = { request, reply: request, acknowledged };
    const answers = [...record.answers, answer];
    const forgotten = answers.slice(0, -window).map(({ reply }) => reply);
    return { record: { source: null, answers: answers.slice(-window) }, answer, forgotten };
  }
  const [next] = source(record.source, { kind: 'submit', expects: 'acknowledgement', ...when }, policy);
  const answer: Answer = { request, reply: submitted(next), acknowledged, ...(last ? { last } : {}) };
  return { record: { source: next, answers: [...record.answers, answer] }, answer, forgotten: [] };
}

/** Whoever sent it waits for an answer. */
export function isTwoWay(request: Message): boolean {
  const asked = addressingOf(request);
  return asked?.messageId !== undefined && !isNone(asked.version, asked.replyTo);
}

/** Message `number` is marked as the last, and all others are finished: out of order they may still be answered after it. */
export function endsWith({ received, held, last }: DestinationState, number: number): boolean {
  return last === number && held.length === 1 && count(received) === number;
}
