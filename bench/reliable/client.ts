/**
 * The process with the client. Reliable messages go through the whole product: addressing, sequence, envelope, undici. Bare
 * POSTs go through the product's own pool of undici connections and nothing above it, and carry the very octets of such a
 * reliable message; never more connections than the window is large, at either.
 */
import { systemClock } from '../../src/base/clock.ts';
import { type Binding, binding, connect } from '../../src/channel/binding.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { sequenceHeader } from '../../src/reliable/headers.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { withAddressing } from '../../src/soap/addressing.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { encode } from '../../src/soap/codec.ts';
import { message, payload, readEnvelope, withHeaders } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { Exchange } from '../../src/transport/http/exchange.ts';
import { Pool } from '../../src/transport/http/pool.ts';
import { clientSettings } from '../../src/transport/http/settings.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { clientTls } from '../../src/transport/tls.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { scan } from '../../src/xml/scan.ts';
import { sampleMessage } from '../sample.ts';
import { type ClientQuestion, held, type Places, processor, serve } from './talk.ts';

const action = 'http://example.org/orders/Place';
const addressing = addressing200508;
const content = order(1000);
const idle = 60_000;

/** An order of about so many octets, as the application hands it over: octets. */
function order(octets: number): XmlFragment {
  for (let whole = octets; ; whole += 50) {
    const sample = payload(readEnvelope(scan(sampleMessage(whole))));
    if (sample === undefined) throw new Error('the sample has no payload');
    const { bytes, prefixes } = XmlFragment.of(sample);
    if (bytes.length >= octets) return XmlFragment.written(bytes, prefixes);
  }
}

function fresh(): Message {
  return message({ version: soap12, action, body: content });
}

/** The octets that a reliable message has on the wire. */
function sequenced(to: string): Uint8Array {
  const id = 'urn:uuid:6f5e1c52-1d0a-4a1c-9a63-7f4f3c2b1a00';
  const addressed = withAddressing(fresh(), { version: addressing, action, to });
  return encode(withHeaders(addressed, [sequenceHeader(reliable200702, soap12, { id, number: 100_000, last: false })]))
    .body;
}

let ca = '';
let places: Places | undefined;
const opened: Channel[] = [];
const senders = new Map<string, () => Promise<unknown>>();

function reliableBinding(window: number): Binding {
  const transport = httpTransport({ tls: { ca }, client: { connections: window, idleTimeout: idle } });
  const session = reliableSession({ oneWay: true, maxTransferWindowSize: window, to: place(window) });
  return binding([exchange({ addressing }), session], transport);
}

function place(window: number): URL {
  return new URL(places?.reliable[window] ?? '');
}

/** Sends one message or POST; settles when it is acknowledged or answered. */
async function sender(how: 'reliable' | 'bare' | 'plain', window: number): Promise<() => Promise<unknown>> {
  if (how === 'bare') return bare(new URL(places?.bare ?? ''), window);
  const via =
    how === 'reliable'
      ? reliableBinding(window)
      : binding(
          [exchange({ addressing })],
          httpTransport({ tls: { ca }, client: { connections: window, idleTimeout: idle } }),
        );
  const channel = connect(via, how === 'reliable' ? place(window) : new URL(places?.plain ?? ''));
  await channel.open();
  opened.push(channel);
  return () => channel.send(delivery(fresh()).with(expectsReply, false));
}

function bare(to: URL, window: number): () => Promise<unknown> {
  const settings = clientSettings({ client: { connections: window, idleTimeout: idle } });
  const route = {
    host: to.hostname,
    port: Number(to.port),
    place: to.origin,
    tls: clientTls({ ca }),
    proxy: undefined,
  };
  const pool = new Pool(to.origin, { ...route, openTimeout: settings.openTimeout }, settings, systemClock);
  const body = sequenced(place(window).href);
  const question = { path: to.pathname, headers: { 'content-type': 'application/octet-stream' }, body };
  return async () => {
    const post = new Exchange(question, to.origin, 1_000_000);
    pool.run(post);
    const { status } = await post.answer;
    if (status !== 202) throw new Error(`the bare server answered ${status}`);
  };
}

/** `lanes` at a time for so many milliseconds; how many a second. */
async function rate(work: () => Promise<unknown>, lanes: number, milliseconds: number): Promise<number> {
  const start = performance.now();
  let done = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - start < milliseconds) {
      await work();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return (done / (performance.now() - start)) * 1000;
}

async function send(how: 'reliable' | 'bare' | 'plain', window: number, milliseconds: number): Promise<number> {
  const name = `${how} ${window}`;
  const work = senders.get(name) ?? (await sender(how, window));
  senders.set(name, work);
  // One message is always ready for the place in the window that another leaves.
  return rate(work, how === 'reliable' ? 2 * window : window, milliseconds);
}

async function turnover(window: number, milliseconds: number): Promise<number> {
  const via = reliableBinding(window);
  // Keeps the connections while sessions come and go.
  const keeper = connect(via, place(window));
  await keeper.open();
  const session = async (): Promise<void> => {
    const channel = connect(via, place(window));
    await channel.open();
    await channel.close();
  };
  const found = await rate(session, window, milliseconds);
  await keeper.close();
  return found;
}

async function open(window: number, sessions: number): Promise<void> {
  const via = reliableBinding(window);
  const more = Array.from({ length: sessions }, () => connect(via, place(window)));
  opened.push(...more);
  for (let at = 0; at < more.length; at += window) {
    await Promise.all(more.slice(at, at + window).map((channel) => channel.open()));
  }
}

serve(async (question: ClientQuestion) => {
  switch (question.do) {
    case 'start':
      ca = question.ca;
      places = question.places;
      return sequenced(place(question.windows[0] ?? 8).href).length;
    case 'send':
      return send(question.how, question.window, question.for);
    case 'turnover':
      return turnover(question.window, question.for);
    case 'idle':
      return open(question.window, question.sessions);
    case 'heap':
      return held();
    case 'processor':
      return processor();
    case 'end':
      for (const channel of opened.splice(0)) channel.abort(new Error('the bench is over'));
      return undefined;
    default:
      return question satisfies never;
  }
});
