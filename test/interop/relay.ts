/**
 * A relay for HTTP, or HTTPS with the key of the server, between two ends: it does to an exchange what a plan says, and keeps what went over the wire. To the
 * sender a lost request and a lost answer look alike: its connection ends, and it cannot know whether the message arrived.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as inClear,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer, request as overTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { seededRandom } from '../../src/base/random.ts';
import type { Certificates } from './certificates.ts';

/** What happens to an exchange; whatever has no entry passes. */
export type Mishap =
  | 'request lost'
  | 'answer lost'
  /** It arrives twice, one after the other; the sender has the first answer. */
  | 'request repeated'
  /** It arrives after the exchange that follows, or after a while when none does. */
  | 'request late'
  /** The connection breaks in the middle of the octets. */
  | 'request cut'
  | 'answer cut';

/** Asked once for each exchange, with its position from 1. */
export type Plan = (exchange: number) => Mishap | undefined;

/** One exchange as it was on the wire: heads in Latin-1, bodies as they came. */
export interface Heard {
  readonly mishap: Mishap | undefined;
  readonly request: { readonly head: string; readonly body: Buffer };
  /** Of the listening end; absent when the request did not reach it. */
  answer?: { readonly head: string; readonly body: Buffer };
}

export interface Relay {
  readonly url: URL;
  /** What happened so far, in order. */
  readonly mishaps: readonly Mishap[];
  readonly heard: readonly Heard[];
  close(): Promise<void>;
}

/** Every exchange of `share` suffers one of `mishaps`, drawn from the seed; the first two pass, and all after `until`. */
export function drawn(seed: number, share: number, mishaps: readonly Mishap[], until: number): Plan {
  const random = seededRandom(seed);
  return (exchange) => {
    const [hit, which] = [random.fraction(), random.fraction()];
    return exchange < 3 || exchange > until || hit >= share ? undefined : mishaps[Math.floor(which * mishaps.length)];
  };
}

/** Milliseconds after which a late request that nothing follows arrives. */
const LATE = 300;

/** @param tls of HTTPS: the relay shows the certificate of the server itself */
export async function relayTo(target: URL, plan: Plan = () => undefined, tls?: Certificates): Promise<Relay> {
  const secure = target.protocol === 'https:';
  if (secure && tls === undefined) throw new Error('A relay of HTTPS needs the key of the server.');
  const request = secure ? overTls : inClear;
  const mishaps: Mishap[] = [];
  const heard: Heard[] = [];
  const late = new Set<() => void>();
  let exchanges = 0;

  const onward = (
    incoming: IncomingMessage,
    body: Buffer,
    octets = body.length,
  ): Promise<[IncomingMessage, Buffer]> => {
    const { promise, resolve, reject } = Promise.withResolvers<[IncomingMessage, Buffer]>();
    const headers = { ...incoming.headers, connection: 'close', 'content-length': String(body.length) };
    delete headers['transfer-encoding'];
    const to = {
      ...{ host: target.hostname, port: target.port, path: incoming.url, method: incoming.method, headers },
      ...(tls !== undefined && { ca: tls.authority }),
    };
    const sent = request(to, (response) => {
      gathered(response).then((answer) => resolve([response, answer]), reject);
    });
    sent.on('error', reject);
    if (octets === body.length) sent.end(body);
    else sent.write(body.subarray(0, octets), () => sent.destroy(new Error('cut')));
    return promise;
  };

  const relay = (incoming: IncomingMessage, answer: ServerResponse): void => {
    const mishap = plan(++exchanges);
    const serve = async (): Promise<void> => {
      const body = await gathered(incoming);
      const one: Heard = { mishap, request: { head: headOf(incoming), body } };
      heard.push(one);
      if (mishap !== undefined) mishaps.push(mishap);
      if (mishap === 'request lost') return void incoming.socket.destroy();
      if (mishap === 'request late') await overtaken(late);
      else for (const go of late) setTimeout(go, LATE / 10);
      const [response, octets] = await onward(incoming, body, mishap === 'request cut' ? body.length >> 1 : undefined);
      one.answer = { head: headOf(response), body: octets };
      if (mishap === 'request repeated') await onward(incoming, body);
      if (mishap === 'answer lost') return void incoming.socket.destroy();
      reply(answer, response, octets, mishap === 'answer cut');
    };
    serve().catch(() => incoming.socket.destroy());
  };
  const server =
    secure && tls !== undefined
      ? createSecureServer({ cert: tls.certificate, key: tls.key }, relay)
      : createServer(relay);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(target.pathname, `${target.protocol}//127.0.0.1:${port}`),
    mishaps,
    heard,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Settles when another exchange came by, or after a while. */
function overtaken(late: Set<() => void>): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      late.delete(go);
      clearTimeout(limit);
      resolve();
    };
    const limit = setTimeout(go, LATE);
    late.add(go);
  });
}

async function gathered(from: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function reply(to: ServerResponse, response: IncomingMessage, octets: Buffer, cut: boolean): void {
  const headers: IncomingHttpHeaders = { ...response.headers, 'content-length': String(octets.length) };
  delete headers.connection;
  delete headers['keep-alive'];
  delete headers['transfer-encoding'];
  to.writeHead(response.statusCode ?? 500, headers);
  if (!cut) to.end(octets);
  else to.write(octets.subarray(0, octets.length >> 1), () => to.socket?.destroy());
}

function headOf(message: IncomingMessage): string {
  const { rawHeaders, method, url, statusCode, statusMessage } = message;
  const first =
    statusCode === null || statusCode === undefined
      ? `${method} ${url} HTTP/1.1`
      : `HTTP/1.1 ${statusCode} ${statusMessage}`;
  const fields = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []));
  return [first, ...fields].join('\r\n');
}
