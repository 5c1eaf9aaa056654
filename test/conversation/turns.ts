/**
 * A relay in front of a TCP server that counts how often those who open a session have to wait for the other end: a turn begins whenever
 * octets go to the server after some came back. With the handshake of TCP before the first, that is the number of round trips.
 */
import { connect, createServer, type Server } from 'node:net';

export interface Turns {
  readonly port: number;
  /** Round trips so far, that of TCP included. */
  count(): number;
  close(): Promise<void>;
}

export async function countingTurns(to: number): Promise<Turns> {
  let turns = 0;
  const server: Server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    // The handshake of TCP.
    turns += 1;
    let last: 'there' | 'back' = 'back';
    near.on('data', (octets) => {
      if (last === 'back') turns += 1;
      last = 'there';
      far.write(octets);
    });
    far.on('data', (octets) => {
      last = 'back';
      near.write(octets);
    });
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
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
