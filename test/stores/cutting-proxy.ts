/** A network between a client and its database that breaks when a test says so. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What becomes of the next thing that the client says. `unsent`: nothing of it arrives. `half`: its first octets do. `sent`: it
 * arrives and the connection is gone. `unanswered`: it is done, and the answer is lost. `half-answered`: its first octets come.
 * `held`: the client loses its connection, and what it said stays on the way until `deliver`.
 */
export type Stage = 'unsent' | 'half' | 'sent' | 'unanswered' | 'half-answered' | 'held';
export const stages: readonly Stage[] = ['unsent', 'half', 'sent', 'unanswered', 'half-answered'];

export class CuttingProxy {
  readonly #to: number;
  readonly #server: Server;
  #next: Stage | undefined;
  #held: (() => Promise<void>) | undefined;
  readonly #open = new Set<Socket>();
  /** Takes no connections. */
  isDown = false;
  cuts = 0;

  private constructor(to: number) {
    this.#to = to;
    this.#server = createServer((client) => this.#relay(client));
  }

  static async before(port: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(port);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' ? (address?.port ?? 0) : 0;
  }

  cut(stage: Stage): void {
    this.#next = stage;
  }

  /** Breaks what is there. */
  cutNow(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Lets what was held arrive; settles when the database is done with it. */
  async deliver(): Promise<void> {
    await this.#held?.();
  }

  async close(): Promise<void> {
    this.cutNow();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #relay(client: Socket): void {
    if (this.isDown) {
      client.destroy();
      return;
    }
    const server = connect(this.#to, '127.0.0.1');
    let answer: 'whole' | 'none' | 'half' = 'whole';
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#open.add(socket);
      socket.on('error', end);
      socket.on('close', () => this.#open.delete(socket));
    }
    client.on('data', (octets) => {
      const stage = this.#next;
      this.#next = undefined;
      if (stage !== undefined) this.cuts += 1;
      switch (stage) {
        case undefined:
          server.write(octets);
          break;
        case 'unsent':
          end();
          break;
        case 'half':
          server.end(octets.subarray(0, octets.length >> 1));
          client.destroy();
          break;
        case 'sent':
          server.end(octets);
          client.destroy();
          break;
        case 'unanswered':
        case 'half-answered':
          answer = stage === 'unanswered' ? 'none' : 'half';
          server.write(octets);
          break;
        case 'held':
          client.destroy();
          this.#held = async () => {
            const closed = once(server, 'close');
            server.end(octets);
            await closed;
          };
          break;
        default:
          stage satisfies never;
      }
    });
    server.on('data', (octets) => {
      if (answer === 'whole') {
        client.write(octets);
        return;
      }
      if (answer === 'half') client.end(octets.subarray(0, octets.length >> 1));
      else client.destroy();
      server.destroy();
    });
    server.on('end', () => client.end());
    client.on('end', () => server.end());
  }
}
