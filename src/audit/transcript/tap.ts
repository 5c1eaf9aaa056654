/**
 * Records what goes over a transport: between the transport and the layers above, where messages are what they are on the
 * wire. A request is recorded before it is sent or handed up, and a reply before anybody hears of it, so that nothing has
 * happened that is not in the transcript.
 */
import { SurewireError } from '../../base/errors.ts';
import type { ChannelFactory } from '../../channel/channel.ts';
import type { Carry, Delivery } from '../../channel/delivery.ts';
import { type Mark, mark } from '../../channel/mark.ts';
import { sendingThrough } from '../../channel/transform.ts';
import { type Peer, peer, type Transport } from '../../channel/transport.ts';
import { encode } from '../../soap/codec.ts';
import { readEnvelope } from '../../soap/envelope.ts';
import type { Message } from '../../soap/message.ts';
import { scan } from '../../xml/scan.ts';
import type { TransportFacts } from './record.ts';
import type { Recorder } from './recorder.ts';

export interface TapOptions {
  /** Whose wire it is; default `client` for what connects and `service` for what listens. */
  readonly end?: string;
}

/**
 * The same transport, everything that goes over it recorded. What a recorder cannot write is not sent and not handed up:
 * `send` rejects with AuditError `AUDIT_FILE`, `AUDIT_SHARED`, `AUDIT_FULL` or `AUDIT_CLOSED`, and what arrived is answered as
 * when the layers above had thrown.
 *
 * Not recorded is what a transport refuses or answers by itself: octets that are no envelope, and the fault for what the
 * layers above threw.
 *
 * @example
 * await using recorder = await Recorder.open({ file: 'session.jsonl' });
 * const via = binding(elements, recorded(httpTransport(), recorder));
 */
export function recorded(transport: Transport, recorder: Recorder, options: TapOptions = {}): Transport {
  const { name } = transport;
  return {
    name,
    connect: (to) =>
      tapped(transport.connect(to), recorder, options.end ?? 'client', { name, place: `${to.origin}${to.pathname}` }),
    listen: (at, accept, publication) =>
      transport.listen(
        at,
        (session) => accept(tapped(session, recorder, options.end ?? 'service', { name })),
        publication,
      ),
  };
}

function tapped(inner: ChannelFactory, recorder: Recorder, end: string, about: TransportFacts): ChannelFactory {
  return (receive) => {
    const up: Carry = async (incoming) => {
      const exchange = recorder.exchange();
      const leg = below.isDuplex === true ? 'message' : 'request';
      const arrived = await recorder.message({ ...ofArrived(incoming, about), end, leg, exchange });
      let answer: Delivery | undefined;
      try {
        answer = await receive(incoming.with(mark, arrived));
      } catch (thrown) {
        await recorder.outcome(arrived, 'failed', codeOf(thrown));
        throw thrown;
      }
      if (answer === undefined) {
        if (leg === 'request') await recorder.outcome(arrived, 'empty');
        return undefined;
      }
      const answered = leg === 'request' ? 'reply' : 'message';
      await recorder.message({ ...ofSent(answer.message, withPeer(about, incoming)), end, leg: answered, exchange });
      return answer;
    };
    const below = inner(up);
    return sendingThrough(below, async (outgoing) => {
      const exchange = recorder.exchange();
      const leg = below.isDuplex === true ? 'message' : 'request';
      const sent = await recorder.message({ ...ofSent(outgoing.message, about), end, leg, exchange });
      const reply = await hearing(recorder, sent, () => below.send(outgoing));
      if (reply === undefined) {
        if (leg === 'request') await recorder.outcome(sent, 'empty');
        return undefined;
      }
      const arrived = await recorder.message({ ...ofArrived(reply, about), end, leg: 'reply', exchange });
      return reply.with(mark, arrived);
    });
  };
}

async function hearing<T>(recorder: Recorder, sent: Mark, carry: () => Promise<T>): Promise<T> {
  try {
    return await carry();
  } catch (thrown) {
    await recorder.outcome(sent, 'failed', codeOf(thrown));
    throw thrown;
  }
}

function ofSent(message: Message, transport: TransportFacts) {
  const { body: octets, contentType } = encode(message);
  return { direction: 'out' as const, octets, contentType, transport, read: () => readEnvelope(scan(octets)) };
}

function ofArrived(delivery: Delivery, transport: TransportFacts) {
  const { message } = delivery;
  // Every transport hands up what it has read; the octets are those that were scanned.
  const octets = message.source?.bytes ?? encode(message).body;
  return { direction: 'in' as const, octets, transport: withPeer(transport, delivery), read: () => message };
}

function withPeer(transport: TransportFacts, delivery: Delivery): TransportFacts {
  const found: Peer | undefined = delivery.get(peer);
  if (found === undefined) return transport;
  const { secure, address, fingerprint } = found;
  return { ...transport, secure, address, fingerprint };
}

function codeOf(thrown: unknown): string {
  return thrown instanceof SurewireError ? thrown.code : 'unknown';
}
