/**
 * A relay for plain HTTP that loses requests or answers after a plan, as a broken connection does: the sender sees its
 * connection end without an answer, and cannot know whether the message arrived.
 */
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to an exchange; whatever has no entry passes. */
export type Mishap = 'request lost' | 'answer lost';

export interface Relay {
  readonly url: URL;
  /** What happened so far, in order. */
  readonly mishaps: readonly Mishap[];
  close(): Promise<void>;
}

/** @param plan asked once for each exchange, with its position from 1 */
export async function lossyRelay(target: URL, plan: (exchange: number) => Mishap | undefined): Promise<Relay> {
  const mishaps: Mishap[] = [];
  let exchanges = 0;
  const server = createServer((incoming, answer) => {
    const mishap = plan(++exchanges);
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      if (mishap !== undefined) mishaps.push(mishap);
      if (mishap === 'request lost') {
        incoming.socket.destroy();
        return;
      }
      const headers = { ...incoming.headers, connection: 'close' };
      const onward = request({ host: target.hostname, port: target.port, path: incoming.url, method: 'POST', headers });
      onward.on('response', (response) => {
        if (mishap === 'answer lost') {
          response.resume().on('end', () => incoming.socket.destroy());
          return;
        }
        const { connection: _, 'keep-alive': __, ...kept } = response.headers;
        answer.writeHead(response.statusCode ?? 500, kept);
        response.pipe(answer);
      });
      onward.on('error', () => incoming.socket.destroy());
      onward.end(Buffer.concat(chunks));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: new URL(target.pathname, `http://127.0.0.1:${port}`),
    mishaps,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
