/**
 * The client's end of a connection over two: what it says goes out on connections to the service, and what the service says
 * comes in at a listener of the client's own (WCF's CompositeDuplexBindingElement).
 */
import { diagnostics } from '../base/diagnostics.ts';
import type { Channel, ChannelFactory } from '../channel/channel.ts';
import { type Carry, type Delivery, delivery } from '../channel/delivery.ts';
import { arrive } from '../channel/duplex.ts';
import { Life } from '../channel/life.ts';
import type { Listener } from '../channel/transport.ts';
import type { Message } from '../soap/message.ts';

const publish = diagnostics('connection');

export interface CallingInit {
  /** Connects to the service. */
  readonly dial: ChannelFactory;
  /** Listens for what the service says. */
  readonly listen: (receive: Carry) => Promise<Listener>;
  /** Where the service is told that this is; where it listens, without. */
  readonly knownAs: URL | undefined;
  readonly receive: Carry;
}

export class CallingChannel implements Channel {
  readonly side = 'initiator';
  readonly isDuplex = true;
  readonly closed: Promise<Error | undefined>;
  readonly send: Carry;
  readonly #my: CallingInit;
  readonly #below: Channel;
  readonly #life = new Life();
  #listener: Listener | undefined;
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  constructor(my: CallingInit) {
    this.#my = my;
    this.closed = this.#life.closed;
    this.#below = my.dial((trip) => this.#came(trip));
    this.send = (trip) => this.#life.run(trip.signal, (signal) => this.#say(trip.under(signal)));
    void this.#below.closed.then((reason) => (reason === undefined ? undefined : this.abort(reason)));
    void this.closed.then((reason) => (reason === undefined ? undefined : this.#drop(reason)));
  }

  get replyTo(): string | undefined {
    return this.#listener === undefined ? undefined : (this.#my.knownAs ?? this.#listener.url).href;
  }

  async open(signal?: AbortSignal): Promise<void> {
    this.#life.requireOpen();
    this.#opening ??= this.#start().catch((thrown: unknown) => {
      this.#opening = undefined;
      throw thrown;
    });
    await this.#opening;
    await this.#below.open(signal);
  }

  close(signal?: AbortSignal): Promise<void> {
    this.#closing ??= this.#finish(signal);
    return this.#closing;
  }

  abort(reason: Error): void {
    this.#life.abort(reason);
  }

  async #start(): Promise<void> {
    this.#listener = await this.#my.listen((trip) => this.#came(trip));
    // Closed while it was getting ready.
    if (!this.#life.isOpen) await this.#listener.close();
  }

  async #say(trip: Delivery): Promise<undefined> {
    await this.open();
    const answer = await this.#below.send(trip);
    if (answer !== undefined) await this.#came(answer);
    return undefined;
  }

  /** What the service says, on whichever connection. */
  async #came(trip: Delivery): Promise<undefined> {
    this.#life.requireOpen();
    const write = async (answer: Message) => {
      await this.send(delivery(answer));
    };
    const failed = (error: Error) => publish(() => ({ event: 'message.failed', action: trip.message.action, error }));
    void arrive(trip, { life: this.#life, receive: this.#my.receive, write, failed });
    return undefined;
  }

  async #finish(signal: AbortSignal | undefined): Promise<void> {
    await this.#life.close(signal);
    await this.#below.close(signal);
    await this.#listener?.close(signal);
  }

  #drop(reason: Error): void {
    this.#below.abort(reason);
    void this.#listener?.close(AbortSignal.abort(reason)).catch(() => undefined);
  }
}
