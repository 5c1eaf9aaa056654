/** The one address that clients know; what stands behind it can change, or be away. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Balancer {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  /** The port behind it; 0 while there is none. */
  #target = 0;

  private constructor() {
    this.#server = createServer((client) => {
      const server = connect(this.#target, '127.0.0.1');
      for (const [socket, other] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#open.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.#open.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
  }

  static async start(): Promise<Balancer> {
    const balancer = new Balancer();
    balancer.#server.listen(0, '127.0.0.1');
    await once(balancer.#server, 'listening');
    return balancer;
  }

  get url(): string {
    const address = this.#server.address();
    return `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/drop`;
  }

  to(port: number): void {
    this.#target = port;
    for (const socket of this.#open) socket.destroy();
  }

  /** Nothing gets through any more, so that what is under way stays so, however slow whoever looks at it is. */
  cut(): void {
    this.to(0);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }
}
