/** One sequence of documents, each one message, from the first to the last acknowledgement; taken up again from a store. */
import { asError } from '../base/errors.ts';
import { abortable } from '../base/signals.ts';
import { binding, connect } from '../channel/binding.ts';
import type { BindingElement } from '../channel/channel.ts';
import { exchange, expectsReply } from '../channel/correlation.ts';
import { delivery } from '../channel/delivery.ts';
import type { Transport } from '../channel/transport.ts';
import { reliableSession } from '../reliable/element.ts';
import type { SessionView } from '../reliable/session.ts';
import type { ReliableSessionOptions } from '../reliable/settings.ts';
import { addressing200508 } from '../soap/addressing-versions.ts';
import { message } from '../soap/envelope.ts';
import { type SoapVersion, soap12 } from '../soap/version.ts';
import type { Document } from './documents.ts';

export interface TransferOptions {
  readonly to: URL;
  readonly documents: readonly Document[];
  /** wsa:Action of every message. */
  readonly action: string;
  readonly transport: Transport;
  /** Signs; absent when nothing is to be signed. */
  readonly security?: BindingElement | undefined;
  readonly soap?: SoapVersion;
  /** Settings of the session; `store` and `label` make it survive this process. */
  readonly session?: ReliableSessionOptions;
  /** What stands around the session. */
  readonly around?: (session: BindingElement) => BindingElement;
  /** Stops the transfer. */
  readonly signal: AbortSignal;
  /** Hears how many documents are acknowledged. */
  readonly onProgress?: (acknowledged: number) => void;
}

export interface Receipt {
  /** Identifier of the sequence. */
  readonly sequence: string;
  /** Documents that became messages of the sequence, by earlier processes too. */
  readonly sent: number;
  readonly acknowledged: number;
  /** How often a message was sent again by this process. */
  readonly retransmissions: number;
  /** Documents that earlier processes had submitted. */
  readonly resumedAt: number;
}

/** Messages in memory at once; the session's own window says how many of them are on the wire. */
const IN_HAND = 32;

/** What became of a transfer, and why it ended early if it did. */
export interface Outcome {
  readonly receipt: Receipt;
  readonly failure: unknown;
}

/**
 * Sends the documents in their order and ends the sequence when all are acknowledged. Never rejects once the sequence is
 * there: a receipt is worth having also when something failed.
 */
export async function transfer(options: TransferOptions): Promise<Outcome> {
  const { to, documents, signal, soap = soap12 } = options;
  let view: SessionView | undefined;
  const session = reliableSession({
    oneWay: true,
    to,
    soap,
    ...options.session,
    onSession: (found) => {
      view = found;
    },
  });
  const elements = [exchange({ addressing: addressing200508, to }), options.around?.(session) ?? session];
  const secured = options.security === undefined ? elements : [...elements, options.security];
  const channel = connect(binding(secured, options.transport), to);
  try {
    await channel.open(signal);
  } catch (thrown) {
    channel.abort(asError(thrown));
    throw thrown;
  }
  const opened = view as SessionView | undefined;
  if (opened === undefined) throw new TypeError('the session was not announced');
  // LastMessage of WS-RM 1.0 has a number too and is no document.
  const submitted = (): number => Math.min(opened.submitted, documents.length);
  const resumedAt = submitted();
  const acknowledgedBefore = countAcknowledged(opened, resumedAt);
  const progressed = (): void =>
    options.onProgress?.(Math.min(acknowledgedBefore + opened.statistics.acknowledged, documents.length));
  progressed();
  const failure = await failureIn(async () => {
    const inHand = new Set<Promise<void>>();
    for (const document of documents.slice(resumedAt)) {
      if (inHand.size >= IN_HAND) await abortable(Promise.race(inHand), signal);
      const body = await document.load();
      signal.throwIfAborted();
      const trip = delivery(message({ version: soap, action: options.action, body })).with(expectsReply, false);
      const settled = channel.send(trip).then(progressed);
      inHand.add(settled);
      settled.then(
        () => inHand.delete(settled),
        () => undefined,
      );
    }
    await abortable(Promise.all(inHand), signal);
    await abortable(channel.close(), signal);
  });
  if (failure !== undefined) {
    // What a store holds is taken up later; without one this is the last chance for what is under way.
    const isKept = signal.aborted && options.session?.store !== undefined;
    await failureIn(() => (isKept ? opened.suspend() : channel.close()));
  }
  const receipt = {
    sequence: opened.id,
    sent: submitted(),
    acknowledged: countAcknowledged(opened, submitted()),
    retransmissions: opened.statistics.resent,
    resumedAt,
  };
  progressed();
  return { receipt, failure };
}

/** What `work` failed with, as a value. */
async function failureIn(work: () => Promise<void>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (thrown) {
    return thrown;
  }
}

function countAcknowledged(session: SessionView, upTo: number): number {
  let count = 0;
  for (let number = 1; number <= upTo; number++) if (session.outcome(number) === 'acknowledged') count++;
  return count;
}
