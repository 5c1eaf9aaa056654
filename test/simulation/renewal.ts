/**
 * A reliable session under a security context whose keys are short-lived, on a network that loses, repeats, delays and breaks: one
 * seed is one schedule, held to its laws. Messages are under way whenever a key is renewed.
 */
import { type Instant, instant } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { wait } from '../../src/base/signals.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { callbackChannel } from '../../src/channel/callback.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network } from '../../src/channel/network.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import { sessionFaultAction } from '../../src/conversation/faults.ts';
import { conversation200502 } from '../../src/conversation/versions/v200502.ts';
import { conversation200512 } from '../../src/conversation/versions/v200512.ts';
import type { ConversationVersion } from '../../src/conversation/versions/version.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { wsse } from '../../src/security/names.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { SimulationClock } from './clock.ts';
import { weather } from './weather.ts';

const address: URL = new URL('http://service.example/box');
const peer = { secure: true } as const;
/** A key is renewed after 2 s and good for 4 s; the one before it is known for 60 s more. All in milliseconds. */
const contextLifetime = 4_000;
const limits = { rollover: 60_000 };
const healsAfter = 20_000;
const patience = 600_000;
const endOfTime = 1_200_000;

interface Family {
  readonly name: string;
  /** Exchanges, as WCF has them over TLS; or one connection on which the service calls back, whose messages are under the key both ways. */
  readonly over: 'exchanges' | 'connection';
  readonly version: ConversationVersion;
  readonly reliable: ReliableVersion;
}

const oasis = { version: conversation200512, reliable: reliable200702 };
const february = { version: conversation200502, reliable: reliable200502 };
export const families: readonly [Family, ...Family[]] = [
  { name: '200512 and 200702', over: 'exchanges', ...oasis },
  { name: '2005/02 and 2005/02', over: 'exchanges', ...february },
  { name: '200512 and 200702, both ends call', over: 'connection', ...oasis },
  { name: '2005/02 and 2005/02, both ends call', over: 'connection', ...february },
];

/** What became of a schedule. */
interface Renewed {
  readonly renewals: number;
  /** Messages of the application that were sent while a renewal was under way. */
  readonly underWay: number;
}

const client: SecurityPolicy = usernameOverTransport({ username: { user: 'alice', password: 'secret', form: 'text' } });
const service: SecurityPolicy = usernameOverTransport({ passwords: { password: () => 'secret' } });

/** Runs one schedule to its end; throws the law that does not hold. */
export async function renewUnderLoss({ version, reliable, over }: Family, seed: number): Promise<Renewed> {
  const clock = new SimulationClock();
  const random = seededRandom(seed);
  const today = weather(random);
  const start = clock.now();
  const watch = new Watch(version, () => clock.now());
  const network = new Network({ clock, random, ...today, delay: [1, today.slowest] });
  network.script((leg) => {
    if (leg.message !== undefined) watch.see(leg.message, leg.way);
    return clock.now() - start >= healsAfter ? 'pass' : undefined;
  });
  const transport = loopback({ network, peer, server: peer, duplex: over === 'connection' });
  const via = (bootstrap: SecurityPolicy) =>
    binding(
      [
        exchange({ addressing: addressing200508, random }),
        reliableSession({
          version: reliable,
          clock,
          random,
          maxRetryCount: 60,
          openTimeout: patience,
          closeTimeout: patience,
          inactivityTimeout: patience,
        }),
        secureConversation({
          bootstrap,
          protection: over === 'connection' ? 'message' : 'transport',
          version,
          clock,
          random,
          contextLifetime,
          limits,
          renewal,
          requestTimeout: 3_000,
        }),
      ],
      transport,
    );
  const heard: string[] = [];
  const told: string[] = [];
  const listener = await listen(via(service), address, async (trip) => {
    await wait(clock, Math.floor(random.fraction() * 50));
    heard.push(payload(trip.message)?.text ?? '');
    if (over === 'connection') {
      const back = delivery(saying(`back: ${payload(trip.message)?.text}`)).with(expectsReply, false);
      await callbackChannel(trip).send(back);
    }
    return trip.carrying(saying(`re: ${payload(trip.message)?.text}`));
  });
  const channel = connect(via(client), address, async (trip) => {
    told.push(payload(trip.message)?.text ?? '');
    return undefined;
  });
  const texts = Array.from({ length: 8 }, (_, at) => `message ${at + 1}`);
  const replies = await clock.until(
    Promise.all(
      texts.map(async (text, at) => {
        await wait(clock, at * 900);
        const reply = await channel.send(delivery(saying(text)));
        return reply && payload(reply.message)?.text;
      }),
    ),
    endOfTime,
  );
  await clock.until(channel.close(), endOfTime);
  await clock.until(listener.close(), endOfTime);
  holds('each message is handed up exactly once, in order', heard, texts);
  holds(
    'each request gets its own reply',
    replies,
    texts.map((text) => `re: ${text}`),
  );
  const called = over === 'connection' ? texts.map((text) => `back: ${text}`) : [];
  holds('each call back is handed up exactly once, in order', told, called);
  holds('the session ends well', await channel.closed, undefined);
  holds('no message is under an expired key', watch.expired, []);
  holds('everything is under one context', watch.contexts.size, 1);
  return { renewals: watch.renewals, underWay: watch.underWay };
}

const renewal = Object.freeze({ share: 0.5, longest: 36_000_000 });

/** Keys as their issuer told of them, and what is said under which. */
class Watch {
  /** Identifiers. */
  readonly contexts = new Set<string>();
  readonly expired: string[] = [];
  renewals = 0;
  underWay = 0;
  readonly #version: ConversationVersion;
  readonly #now: () => Instant;
  readonly #keys = new Map<string, Instant>();
  #renewing = false;

  constructor(version: ConversationVersion, now: () => Instant) {
    this.#version = version;
    this.#now = now;
  }

  see(of: Message, way: 'request' | 'reply'): void {
    const { actions } = this.#version;
    const { action } = of;
    if (way === 'reply') {
      if (action === actions.issueResponse || action === actions.renewResponse) this.#told(of);
      if (action === actions.renewResponse) {
        this.renewals++;
        this.#renewing = false;
      }
      this.#named(of);
      return;
    }
    if (action === actions.renew) this.#renewing = true;
    if (action === actions.issue || action === actions.renew) return;
    if (this.#renewing && action === 'urn:box:say') this.underWay++;
    const token = of.headers
      .find(({ namespace, local }) => namespace === wsse && local === 'Security')
      ?.fragment.element.children.find(({ local }) => local === 'SecurityContextToken');
    const name = token?.children.map(({ text }) => text).join(' ');
    this.contexts.add(token?.children[0]?.text ?? '');
    this.#under(name, action);
  }

  /** What the service says names the key that it is under, where it is under one. */
  #named(of: Message): void {
    // That a key is over is said under that key: the client has no other yet.
    if (of.action === sessionFaultAction) return;
    const { tokenType, namespace } = this.#version;
    const security = of.headers.find((one) => one.namespace === wsse && one.local === 'Security')?.fragment.element;
    const reference = security && find(security, 'Reference', (one) => one.attribute('ValueType') === tokenType);
    if (reference === undefined || reference.attribute('URI')?.startsWith('#') === true) return;
    const name = [reference.attribute('URI'), reference.attribute('Instance', namespace)].filter(Boolean).join(' ');
    this.#under(name, of.action);
  }

  #under(name: string | undefined, action: string): void {
    const expires = name === undefined ? undefined : this.#keys.get(name);
    if (expires === undefined || this.#now() >= expires) this.expired.push(`${action} under ${name} at ${this.#now()}`);
  }

  #told(of: Message): void {
    const content = payload(of);
    if (content === undefined) return;
    const token = find(content, 'SecurityContextToken');
    const name = token?.children.map(({ text }) => text).join(' ') ?? '';
    this.#keys.set(name, instant(Date.parse(find(content, 'Expires')?.text ?? '')));
  }
}

function find(of: XmlElement, local: string, is: (one: XmlElement) => boolean = () => true): XmlElement | undefined {
  if (of.local === local && is(of)) return of;
  for (const child of of.children) {
    const found = find(child, local, is);
    if (found !== undefined) return found;
  }
  return undefined;
}

function saying(text: string): Message {
  const body = new XmlWriter().element('urn:box', 'said', text).finish();
  return message({ version: soap12, action: 'urn:box:say', body });
}

function holds(law: string, found: unknown, expected: unknown): void {
  if (JSON.stringify(found) === JSON.stringify(expected)) return;
  throw new Error(`${law}: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}
