/** A service behind reliable sessions over the in-memory transport, in virtual time, and callers of any identity. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { VirtualClock } from '../../src/base/clock.ts';
import type { DiagnosticEvent } from '../../src/base/diagnostics.ts';
import { type Binding, binding, connect } from '../../src/channel/binding.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Loopback, loopback } from '../../src/channel/loopback.ts';
import type { Transport } from '../../src/channel/transport.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { type Calls, client, type Life } from '../../src/service/client.ts';
import type { Contract, Operations } from '../../src/service/contract.ts';
import type { Service } from '../../src/service/dispatcher.ts';
import { type Host, host } from '../../src/service/host.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';

export const address: URL = new URL('http://service.example/shop');

/** The settings of reliable sessions, or that there are none. */
type Sessions = ReliableSessionOptions | 'none';

export class Rig {
  readonly clock: VirtualClock = new VirtualClock();
  readonly events: DiagnosticEvent[] = [];
  readonly #wire: Loopback = loopback();
  readonly #channels: Channel[] = [];
  readonly #hear = (event: unknown): void => void this.events.push(event as DiagnosticEvent);
  #host: Host | undefined;

  constructor() {
    subscribe('surewire:service', this.#hear);
  }

  binding(session: Sessions, transport: Transport = this.#wire): Binding {
    const { clock } = this;
    const sessions = session === 'none' ? [] : [reliableSession({ clock, to: address, ...session })];
    return binding([exchange({ addressing: addressing200508, to: address }), ...sessions], transport);
  }

  async serve(service: Service, session: Sessions = {}): Promise<Host> {
    this.#host = await host([{ binding: this.binding(session), url: address, receive: service }]);
    return this.#host;
  }

  /** A channel of somebody whom TLS has proven to be `name`, or of nobody in particular. */
  channel(name?: string, session: Sessions = {}): Channel {
    const as = this.#wire.as({ secure: true, ...(name === undefined ? {} : { fingerprint: name }) });
    const channel = connect(this.binding(session, as), address);
    this.#channels.push(channel);
    return channel;
  }

  calls<O extends Operations>(contract: Contract<O>, name?: string, session: Sessions = {}): Calls<Contract<O>> & Life {
    return client(contract, this.channel(name, session), { clock: this.clock });
  }

  /** What was told of instances, in order. */
  lives(): readonly string[] {
    return this.events.map(({ event }) => event).filter((event) => event.startsWith('instance.'));
  }

  /** Lets everything happen that needs no time. */
  settle(): Promise<void> {
    return this.clock.advance(0);
  }

  async end(): Promise<void> {
    unsubscribe('surewire:service', this.#hear);
    for (const channel of this.#channels) channel.abort(new Error('the test is over'));
    await this.#host?.close(AbortSignal.abort());
  }
}

/** Something that an operation waits for, opened by the test. */
export function latch(): { readonly opened: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}
