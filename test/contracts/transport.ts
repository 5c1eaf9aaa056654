/**
 * What every transport promises, as tests. A transport's own test file calls `transportContract` with a way to make one;
 * `npx vitest run test/channel/loopback.test.ts` shows how.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Channel, ChannelFactory } from '../../src/channel/channel.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { type Listener, type Peer, peer, type Transport } from '../../src/channel/transport.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import { faultOf, faultReply } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { type SoapVersion, soap12, soapVersions } from '../../src/soap/version.ts';
import { XmlWriter } from '../../src/xml/write.ts';

/** A transport under test. */
export interface TransportSubject {
  readonly transport: Transport;
  /** Where to listen; port 0 for any free one. */
  readonly at: URL;
  /** What the listener must learn of whoever connects, as far as it is given here. */
  readonly peer: Partial<Peer>;
  /**
   * True where each channel is a connection on which both ends send unasked. Such a transport is wrapped in `exchange`, which finds
   * the answers; a message that is too large costs the connection.
   */
  readonly isDuplex?: boolean;
  /**
   * True where a duplex channel is made of exchanges: the listener hears of it with its first message, and neither end sees the
   * other go.
   */
  readonly isUnseen?: boolean;
  /** Lets go of what the transport holds. */
  release?(): Promise<void>;
}

export interface TransportSubjectOptions {
  /** Greatest message in octets that either side may take. */
  readonly maxBytes: number;
}

const maxBytes = 65_536;
const namespace = 'urn:surewire:test:transport';

/** A duplex transport whose answers are found by what they relate to. */
export function withExchange(transport: Transport): Transport {
  const element = exchange({ addressing: addressing200508 });
  return {
    name: transport.name,
    connect: (to) => element.wrap(transport.connect(to)),
    listen: (at, accept) => transport.listen(at, (session) => accept(element.wrap(session))),
  };
}

/** The contract suite, under `name`; `make` is called before each test. */
export function transportContract(
  name: string,
  make: (options: TransportSubjectOptions) => TransportSubject | Promise<TransportSubject>,
): void {
  describe(`the transport contract: ${name}`, () => {
    let subject: TransportSubject;
    const open: (Channel | Listener)[] = [];

    beforeEach(async () => {
      subject = await make({ maxBytes });
    });

    afterEach(async () => {
      const patience = AbortSignal.abort(new Error('the test is over'));
      await Promise.all(open.splice(0).map((one) => one.close(patience)));
      await subject.release?.();
    });

    /** A listener whose sessions go up to `receive` with nothing between, and the channel of the first session, once there is one. */
    async function serve(receive: Carry): Promise<{ listener: Listener; session: () => Channel }> {
      const sessions: Channel[] = [];
      const listener = await subject.transport.listen(subject.at, (factory: ChannelFactory) => {
        const session = factory(receive);
        sessions.push(session);
        return session;
      });
      open.push(listener);
      const session = () => {
        const [first] = sessions;
        if (first === undefined) throw new Error('a session is accepted when it begins; without sessions, at once');
        return first;
      };
      if (subject.isDuplex !== true) session();
      return { listener, session };
    }

    function connect(to: URL): Channel {
      const channel = subject.transport.connect(to)(async () => undefined);
      open.push(channel);
      return channel;
    }

    const echo: Carry = async (trip) => trip.carrying(said(`${textOf(trip.message)}, again`, trip.message.version));

    test.each(soapVersions)('request-reply, SOAP $name: the reply is the value of send', async (version) => {
      const { listener } = await serve(echo);
      const reply = await connect(listener.url).send(delivery(said('grüße', version)));
      expect(textOf(reply?.message)).toBe('grüße, again');
      expect(reply?.message.version).toBe(version);
    });

    test('the action crosses, whichever way the SOAP version says it', async () => {
      const actions: string[] = [];
      const { listener } = await serve(async (trip) => {
        actions.push(trip.message.action);
        return undefined;
      });
      const channel = connect(listener.url);
      for (const version of soapVersions) await channel.send(delivery(said('x', version)).with(expectsReply, false));
      await expect.poll(() => actions).toEqual([action, action]);
    });

    test('listens at a real port, and says which', async () => {
      const { listener } = await serve(echo);
      expect(Number(listener.url.port)).toBeGreaterThan(0);
      expect(listener.url.pathname).toBe(subject.at.pathname);
    });

    test('knows its sides', async () => {
      const { listener, session } = await serve(echo);
      const channel = connect(listener.url);
      await channel.open();
      if (subject.isUnseen === true) await channel.send(delivery(said('x')));
      expect(channel.side).toBe('initiator');
      expect(session().side).toBe('acceptor');
      expect(session().isDuplex === true).toBe(subject.isDuplex === true);
    });

    test('one-way: nothing returned above is nothing received below', async () => {
      const { listener } = await serve(async () => undefined);
      const trip = delivery(said('x')).with(expectsReply, false);
      await expect(connect(listener.url).send(trip)).resolves.toBeUndefined();
    });

    test('a fault is carried like any reply', async () => {
      const fault = { code: 'sender', reason: 'You asked wrongly.' } as const;
      const { listener } = await serve(async (trip) => trip.carrying(faultReply(trip.message, fault)));
      const reply = await connect(listener.url).send(delivery(said('x')));
      expect(reply && faultOf(reply.message)).toMatchObject(fault);
    });

    test('what is thrown above becomes a Receiver fault that tells nothing', async () => {
      const { listener } = await serve(async () => {
        throw new Error('the password is swordfish');
      });
      const reply = await connect(listener.url).send(delivery(said('x')));
      const fault = reply && faultOf(reply.message);
      expect(fault?.code).toBe('receiver');
      expect(JSON.stringify(fault)).not.toContain('swordfish');
    });

    test('concurrent sends get each its own reply, whatever the order in which they are answered', async () => {
      const waiting: (() => void)[] = [];
      const { listener } = await serve(async (trip) => {
        // All are there before the first is answered, and the last to come is answered first.
        await new Promise<void>((resolve) => {
          waiting.unshift(resolve);
          if (waiting.length === 16) for (const answer of waiting) answer();
        });
        return echo(trip);
      });
      const channel = connect(listener.url);
      const texts = Array.from({ length: 16 }, (_, index) => `message ${index}`);
      const replies = await Promise.all(texts.map((text) => channel.send(delivery(said(text)))));
      expect(replies.map((reply) => textOf(reply?.message))).toEqual(texts.map((text) => `${text}, again`));
    });

    test('a send whose signal fires rejects with its reason, and the channel lives on', async () => {
      const reached = Promise.withResolvers<void>();
      const answer = Promise.withResolvers<void>();
      let first = true;
      const { listener } = await serve(async (trip) => {
        if (!first) return echo(trip);
        first = false;
        reached.resolve();
        await answer.promise;
        return undefined;
      });
      const channel = connect(listener.url);
      const controller = new AbortController();
      const reason = new Error('changed my mind');
      const sending = channel.send(delivery(said('x'), controller.signal));
      await reached.promise;
      controller.abort(reason);
      await expect(sending).rejects.toBe(reason);
      answer.resolve();
      expect(textOf((await channel.send(delivery(said('y'))))?.message)).toBe('y, again');
    });

    test('a send whose signal has fired already sends nothing', async () => {
      const heard: Delivery[] = [];
      const { listener } = await serve(async (trip) => {
        heard.push(trip);
        return undefined;
      });
      const reason = new Error('never mind');
      const channel = connect(listener.url);
      await expect(channel.send(delivery(said('x'), AbortSignal.abort(reason)))).rejects.toBe(reason);
      await channel.send(delivery(said('y')).with(expectsReply, false));
      await expect.poll(() => heard.map((trip) => textOf(trip.message))).toEqual(['y']);
    });

    test('the listener learns who connected, and the connecting side who answered', async () => {
      let seen: Peer | undefined;
      const { listener } = await serve(async (trip) => {
        seen = trip.get(peer);
        return echo(trip);
      });
      const reply = await connect(listener.url).send(delivery(said('x')));
      expect(seen).toMatchObject(subject.peer);
      expect(reply?.get(peer)?.secure).toBe(seen?.secure);
    });

    test('what the sender left on a delivery does not cross', async () => {
      let seen: Peer | undefined;
      const { listener } = await serve(async (trip) => {
        seen = trip.get(peer);
        return undefined;
      });
      const forged = { secure: true, fingerprint: 'f'.repeat(64) };
      await connect(listener.url).send(delivery(said('x')).with(peer, forged).with(expectsReply, false));
      await expect.poll(() => seen).toBeDefined();
      expect(seen?.fingerprint).not.toBe(forged.fingerprint);
    });

    test('open and close are idempotent; closed settles once, well', async () => {
      const { listener } = await serve(echo);
      const channel = connect(listener.url);
      await Promise.all([channel.open(), channel.open()]);
      await Promise.all([channel.close(), channel.close()]);
      await channel.close();
      channel.abort(new Error('too late'));
      await expect(channel.closed).resolves.toBeUndefined();
    });

    test('a closed channel sends nothing and opens no more', async () => {
      const { listener } = await serve(echo);
      const channel = connect(listener.url);
      await channel.close();
      await expect(channel.send(delivery(said('x')))).rejects.toThrow();
      await expect(channel.open()).rejects.toThrow();
    });

    test('close lets an exchange under way finish', async () => {
      const reached = Promise.withResolvers<void>();
      const answer = Promise.withResolvers<void>();
      const { listener } = await serve(async (trip) => {
        reached.resolve();
        await answer.promise;
        return echo(trip);
      });
      const channel = connect(listener.url);
      const sending = channel.send(delivery(said('x')));
      await reached.promise;
      const closing = channel.close();
      answer.resolve();
      expect(textOf((await sending)?.message)).toBe('x, again');
      await closing;
    });

    test('abort ends what is under way with its reason; closed settles once, with that reason', async () => {
      const reached = Promise.withResolvers<void>();
      const { listener } = await serve(async (trip) => {
        reached.resolve();
        await new Promise<void>((resolve) => trip.signal.addEventListener('abort', () => resolve()));
        return undefined;
      });
      const channel = connect(listener.url);
      const sending = channel.send(delivery(said('x')));
      await reached.promise;
      const reason = new Error('pulled the plug');
      channel.abort(reason);
      channel.abort(new Error('again'));
      await expect(sending).rejects.toBe(reason);
      await expect(channel.closed).resolves.toBe(reason);
      await channel.close();
    });

    test('a listener that closes lets what is under way finish, and takes nothing new', async () => {
      const reached = Promise.withResolvers<void>();
      const answer = Promise.withResolvers<void>();
      const { listener, session } = await serve(async (trip) => {
        reached.resolve();
        await answer.promise;
        return echo(trip);
      });
      const channel = connect(listener.url);
      const sending = channel.send(delivery(said('x')));
      await reached.promise;
      const closing = listener.close();
      const late = connect(listener.url).send(delivery(said('late')));
      if (subject.isUnseen === true) expect(isFault((await late) as Delivery)).toBe(true);
      else await expect(late).rejects.toMatchObject({ transient: true });
      answer.resolve();
      expect(textOf((await sending)?.message)).toBe('x, again');
      await closing;
      await listener.close();
      await expect(session().closed).resolves.toBeUndefined();
    });

    test('what is under way finishes before the layers above are told to close', async () => {
      const log: string[] = [];
      const reached = Promise.withResolvers<void>();
      const answer = Promise.withResolvers<void>();
      const listener = await subject.transport.listen(subject.at, (factory) => {
        const below = factory(async () => {
          reached.resolve();
          await answer.promise;
          log.push('answered');
          return undefined;
        });
        return {
          side: below.side,
          send: below.send,
          closed: below.closed,
          open: (signal) => below.open(signal),
          close: async (signal) => {
            log.push('closed');
            await below.close(signal);
          },
          abort: (reason) => below.abort(reason),
        };
      });
      open.push(listener);
      const sending = connect(listener.url).send(delivery(said('x')).with(expectsReply, false));
      await reached.promise;
      const closing = listener.close();
      answer.resolve();
      await Promise.all([sending, closing]);
      expect(log).toEqual(['answered', 'closed']);
    });

    test('a listener does not wait longer than its signal', async () => {
      const reached = Promise.withResolvers<void>();
      let serving: AbortSignal | undefined;
      const { listener } = await serve(async (trip) => {
        serving = trip.signal;
        reached.resolve();
        await new Promise<void>((resolve) => trip.signal.addEventListener('abort', () => resolve()));
        return undefined;
      });
      const sending = connect(listener.url).send(delivery(said('x')));
      sending.catch(() => undefined);
      await reached.promise;
      const controller = new AbortController();
      const closing = listener.close(controller.signal);
      controller.abort(new Error('now'));
      await closing;
      expect(serving?.aborted).toBe(true);
      if (subject.isUnseen !== true) await expect(sending).rejects.toMatchObject({ transient: true });
    });

    test('where nobody listens, send says so and may be tried again', async () => {
      const { listener } = await serve(echo);
      await listener.close();
      await expect(connect(listener.url).send(delivery(said('x')))).rejects.toMatchObject({ transient: true });
    });

    test('two cannot listen at one address', async () => {
      const { listener } = await serve(echo);
      await expect(subject.transport.listen(listener.url, (factory) => factory(echo))).rejects.toThrow();
    });

    test('an oversize request is refused and goes no further', async () => {
      let heard = 0;
      const { listener } = await serve(async (trip) => {
        heard++;
        return echo(trip);
      });
      const channel = connect(listener.url);
      const outcome = await channel.send(delivery(said('x'.repeat(maxBytes)))).catch((error: unknown) => error);
      const refused = outcome instanceof Error || (outcome !== undefined && isFault(outcome as Delivery));
      expect(refused).toBe(true);
      expect(heard).toBe(0);
      const next = subject.isDuplex === true ? connect(listener.url) : channel;
      expect(textOf((await next.send(delivery(said('small'))))?.message)).toBe('small, again');
    });

    test('an oversize reply is refused', async () => {
      const { listener } = await serve(async (trip) => trip.carrying(said('x'.repeat(maxBytes))));
      const outcome = await connect(listener.url)
        .send(delivery(said('x')))
        .catch((error: unknown) => error);
      const isToldSo = subject.isUnseen === true && !(outcome instanceof Error) && isFault(outcome as Delivery);
      expect(outcome instanceof Error || isToldSo).toBe(true);
    });
  });
}

const action = `${namespace}/Say`;

function said(text: string, version: SoapVersion = soap12): Message {
  const body = new XmlWriter().element(namespace, 'Say', text, 't').finish();
  return message({ version, action, body });
}

function textOf(of: Message | undefined): string | undefined {
  return of && payload(of)?.text;
}

function isFault(outcome: Delivery): boolean {
  return faultOf(outcome.message) !== undefined;
}
