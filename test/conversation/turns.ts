/**
 * A relay in front of an HTTPS server of this process that counts how often those who open a session have to wait for the other end: for
 * TCP, for TLS 1.3 (each ClientHello is answered once), and for each request. It is not counted how the octets went by: a session ticket,
 * which nobody waits for, comes before or after what the client says next.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { connect, createServer, type Server } from 'node:net';

export interface Turns {
  readonly port: number;
  /** Round trips so far. */
  count(): number;
  close(): Promise<void>;
}

/** Of the record layer of TLS (RFC 8446 5.1): type, version and length. */
const recordHeader = 5;
/** From a client of TLS 1.3 nothing but ClientHello: what comes after it is encrypted, and looks like application data. */
const handshake = 22;

export async function countingTurns(to: number): Promise<Turns> {
  let turns = 0;
  const asked = (event: unknown): void => {
    const { request } = event as { readonly request: IncomingMessage };
    if (request.socket.localPort === to) turns += 1;
  };
  subscribe('http.server.request.start', asked);
  const server: Server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    turns += 1;
    let unread = Buffer.alloc(0);
    near.on('data', (octets) => {
      unread = Buffer.concat([unread, octets]);
      while (unread.length >= recordHeader) {
        const length = recordHeader + unread.readUInt16BE(3);
        if (unread.length < length) break;
        if (unread[0] === handshake) turns += 1;
        unread = unread.subarray(length);
      }
      far.write(octets);
    });
    far.on('data', (octets) => near.write(octets));
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The relay has no port.');
  return {
    port: address.port,
    count: () => turns,
    close: () => {
      unsubscribe('http.server.request.start', asked);
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
