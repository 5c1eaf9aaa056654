/** Two proxies between the ends that lose what they carry: one that tunnels (CONNECT), one that stands before the service. */
import { createServer, type IncomingMessage } from 'node:http';
import { Agent, createServer as createSecureServer, request } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { seededRandom } from '../../src/base/random.ts';

export interface TestProxy extends AsyncDisposable {
  readonly url: URL;
  /** Requests that it carried, or tunnels that it opened; and how many it broke. */
  readonly counts: { carried: number; broken: number };
}

async function started(
  server: Server,
  url: (port: number) => string,
  counts: TestProxy['counts'],
  open: Set<Socket>,
): Promise<TestProxy> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: new URL(url((server.address() as AddressInfo).port)),
    counts,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A forward proxy (RFC 9110 9.3.6): after so many octets as chance says, it breaks a tunnel, in either direction. */
export function forwardProxy({ seed, upTo }: { readonly seed: number; readonly upTo: number }): Promise<TestProxy> {
  const random = seededRandom(seed);
  const counts = { carried: 0, broken: 0 };
  const open = new Set<Socket>();
  const server = createServer((_, response) => response.writeHead(405).end());
  server.on('connect', (incoming: IncomingMessage, near: Socket) => {
    const target = new URL(`http://${incoming.url}`);
    const far = connect(Number(target.port), target.hostname, () => near.write('HTTP/1.1 200 OK\r\n\r\n'));
    counts.carried += 1;
    let left = Math.floor(random.fraction() * upTo);
    const carry = (from: Socket, to: Socket): void => {
      open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.on('data', (octets: Buffer) => {
        left -= octets.length;
        if (left >= 0) return void to.write(octets);
        if (!from.destroyed) counts.broken += 1;
        // The last octets before the break still arrive.
        to.write(octets.subarray(0, Math.max(0, octets.length + left)), () => to.destroy());
        return from.destroy();
      });
    };
    carry(near, far);
    carry(far, near);
  });
  return started(server, (port) => `http://127.0.0.1:${port}`, counts, open);
}

export interface ReverseProxyOptions {
  readonly to: URL;
  /** PEM: what it shows, and whom it believes to be the service. */
  readonly tls: { readonly cert: string; readonly key: string; readonly ca: string };
  readonly seed: number;
  /** How likely a request, and again a reply, is lost. */
  readonly loss: number;
}

/** A reverse proxy: ends TLS, sends on under its own name, answers 502 or nothing at all for what it loses. */
export function reverseProxy({ to, tls, seed, loss }: ReverseProxyOptions): Promise<TestProxy> {
  const random = seededRandom(seed);
  const counts = { carried: 0, broken: 0 };
  const open = new Set<Socket>();
  const agent = new Agent({ keepAlive: true, ca: tls.ca });
  const server = createSecureServer({ cert: tls.cert, key: tls.key }, (incoming, outgoing) => {
    const lose = (): void => {
      counts.broken += 1;
      if (random.fraction() < 0.5) outgoing.destroy();
      else outgoing.writeHead(502, { 'content-type': 'text/html' }).end('<html><body>Bad Gateway</body></html>');
    };
    const forward = async (): Promise<void> => {
      const body = await buffer(incoming);
      if (random.fraction() < loss) return lose();
      counts.carried += 1;
      const { host: _, connection: __, 'transfer-encoding': ___, ...kept } = incoming.headers;
      const headers = { ...kept, 'content-length': body.length, via: '1.1 test', 'x-forwarded-for': '192.0.2.1' };
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const onward = request(to, { agent, method: 'POST', headers }, resolve);
        onward.on('error', reject);
        onward.end(body);
      });
      const octets = await buffer(answer);
      if (random.fraction() < loss) return lose();
      const { 'transfer-encoding': ____, connection: _____, ...rest } = answer.headers;
      outgoing.writeHead(answer.statusCode ?? 502, { ...rest, via: '1.1 test' }).end(octets);
    };
    forward().catch(() => outgoing.destroy());
  });
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  const address = (port: number): string => `https://127.0.0.1:${port}${to.pathname}`;
  return started(server, address, counts, open).then((proxy) => ({
    ...proxy,
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await proxy[Symbol.asyncDispose]();
    },
  }));
}
