/** A TCP relay that cuts a connection once, after an exact number of octets one way: what comes after is lost, either way. */

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export interface Cut {
  readonly way: 'there' | 'back';
  /** Octets that get through before, counted over all connections. */
  readonly after: number;
}

export interface Relay {
  readonly url: URL;
  /** Octets so far. */
  readonly octets: Readonly<Record<Cut['way'], number>>;
  readonly connections: number;
  close(): Promise<void>;
}

export async function cuttingRelay(target: URL, cut: Cut | undefined): Promise<Relay> {
  const octets = { there: 0, back: 0 };
  const sockets = new Set<Socket>();
  let connections = 0;
  let isCut = false;
  const server = createServer((near) => {
    connections += 1;
    const far = connect({ host: target.hostname, port: Number(target.port) });
    const both = [near, far];
    const end = () => {
      for (const socket of both) socket.destroy();
    };
    for (const socket of both) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    const pass = (from: Socket, to: Socket, way: Cut['way']) => {
      from.on('data', (data: Buffer) => {
        const left = cut?.way === way && !isCut ? cut.after - octets[way] : Number.POSITIVE_INFINITY;
        octets[way] += data.length;
        if (data.length < left) {
          to.write(data);
          return;
        }
        isCut = true;
        if (left > 0) to.write(data.subarray(0, left), end);
        else end();
      });
      from.on('end', () => to.end());
    };
    pass(near, far, 'there');
    pass(far, near, 'back');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url,
    octets,
    get connections() {
      return connections;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
