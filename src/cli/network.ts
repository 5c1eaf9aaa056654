/**
 * A network that misbehaves, for the demo: an HTTPS relay that loses, repeats, delays and reorders what it carries and
 * breaks connections in the middle of an answer. What happens to an exchange is drawn from a seed when it arrives, so a run is
 * repeatable as far as the order of arrivals is.
 */
import { once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { type Random, seededRandom } from '../base/random.ts';
import { clientTls, serverTls, type TlsOptions } from '../transport/tls.ts';

/** How likely each mishap is for one exchange, from 0 to 1. */
export interface Mishaps {
  /** Of a request, and again of a reply. */
  readonly loss: number;
  readonly duplicate: number;
  readonly delay: number;
  readonly reorder: number;
  readonly breakage: number;
}

export interface NetworkOptions {
  /** The service behind the network, an https URL. */
  readonly to: URL;
  /** What the relay shows to its clients, and whom it trusts to be the service. */
  readonly tls: TlsOptions;
  readonly mishaps: Mishaps;
  readonly seed: number;
}

/** What the network has done to the exchanges so far. */
export interface NetworkCounts {
  exchanges: number;
  lost: number;
  duplicated: number;
  delayed: number;
  reordered: number;
  broken: number;
}

export interface Network extends AsyncDisposable {
  /** Send here what is meant for the service. */
  readonly url: URL;
  readonly counts: Readonly<NetworkCounts>;
  close(): Promise<void>;
}

/** Milliseconds after which a connection whose request or reply was lost is dropped without a word. */
const SILENCE = { least: 20, most: 120 };
const DELAY = { least: 5, most: 60 };
/** How long a held message waits to be overtaken. */
const HELD = 40;

/** What is going to happen to one exchange. */
interface Fate {
  readonly loseRequest: boolean;
  readonly loseReply: boolean;
  readonly duplicate: boolean;
  readonly delay: number;
  readonly hold: boolean;
  readonly breakReply: boolean;
  readonly silence: number;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Starts the relay on a free port of 127.0.0.1. */
export async function faultyNetwork(options: NetworkOptions): Promise<Network> {
  const { to, mishaps } = options;
  const random = seededRandom(options.seed);
  const agent = new Agent({ keepAlive: true, ...clientTls(options.tls)(to.hostname) });
  const counts: NetworkCounts = { exchanges: 0, lost: 0, duplicated: 0, delayed: 0, reordered: 0, broken: 0 };
  const over = new AbortController();
  /** Lets the held message go when another has overtaken it. */
  let release: () => void = () => undefined;

  const carry = async (from: IncomingMessage, answer: ServerResponse): Promise<void> => {
    const fate = draw(random, mishaps);
    counts.exchanges++;
    const body = await read(from);
    if (fate.loseRequest) {
      counts.lost++;
      await pause(fate.silence, undefined, over);
      from.socket.destroy();
      return;
    }
    if (fate.delay > 0) {
      counts.delayed++;
      await pause(fate.delay, undefined, over);
    }
    const overtaken = release;
    if (fate.hold) {
      counts.reordered++;
      await Promise.race([
        new Promise<void>((resolve) => {
          release = resolve;
        }),
        pause(HELD, undefined, over),
      ]);
    }
    const forwarded = forward(agent, to, from, body);
    overtaken();
    const reply = await forwarded;
    if (fate.duplicate) {
      counts.duplicated++;
      forward(agent, to, from, body).catch(() => undefined);
    }
    if (fate.loseReply) {
      counts.lost++;
      await pause(fate.silence, undefined, over);
      from.socket.destroy();
    } else if (fate.breakReply) {
      counts.broken++;
      breakOff(answer, reply);
    } else {
      answer.writeHead(reply.status, endToEnd(reply.headers)).end(reply.body);
    }
  };

  const server = createServer(serverTls(options.tls, 20_000), (from, answer) => {
    carry(from, answer).catch(() => from.socket.destroy());
  });
  const sockets = new Set<Duplex>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    over.abort();
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    agent.destroy();
    await closed;
  };
  return { url: new URL(to.pathname, `https://127.0.0.1:${port}`), counts, close, [Symbol.asyncDispose]: close };
}

/** Always as many draws, whatever comes out, so that one exchange's fate does not shift the next one's. */
function draw(random: Random, mishaps: Mishaps): Fate {
  const happens = (likelihood: number): boolean => random.fraction() < likelihood;
  const between = ({ least, most }: typeof DELAY): number => least + random.fraction() * (most - least);
  const delayed = happens(mishaps.delay);
  const delay = between(DELAY);
  return {
    loseRequest: happens(mishaps.loss),
    loseReply: happens(mishaps.loss),
    duplicate: happens(mishaps.duplicate),
    delay: delayed ? delay : 0,
    hold: happens(mishaps.reorder),
    breakReply: happens(mishaps.breakage),
    silence: between(SILENCE),
  };
}

/** Promises the whole answer, sends half of it, and is gone. */
function breakOff(answer: ServerResponse, reply: Answer): void {
  answer.writeHead(reply.status, { ...endToEnd(reply.headers), 'content-length': reply.body.length + 1 });
  answer.write(reply.body.subarray(0, reply.body.length / 2), () => answer.socket?.destroy());
}

async function read(from: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await from.toArray());
}

async function forward(agent: Agent, to: URL, from: IncomingMessage, body: Buffer): Promise<Answer> {
  const headers = { ...endToEnd(from.headers), host: to.host, 'content-length': body.length };
  const onward = request(to, { agent, method: from.method, headers });
  onward.end(body);
  const [answer] = (await once(onward, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 502, headers: answer.headers, body: await read(answer) };
}

/** What belongs to one connection stays on it (RFC 9110 section 7.6.1). */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { connection, 'keep-alive': keepAlive, 'transfer-encoding': framing, expect, ...rest } = headers;
  return rest;
}
