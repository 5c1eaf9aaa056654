/** surewire as either end of a course: the service that both peers know, a host for it, and a client of it. */
import { type Binding, binding, connect, listen } from '../../src/channel/binding.ts';
import type { BindingElement } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import type { Listener } from '../../src/channel/transport.ts';
import { compositeDuplex } from '../../src/connection/composite-duplex.ts';
import { makeConnection } from '../../src/connection/make-connection.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { client, type Life } from '../../src/service/client.ts';
import { contract, oneWay, requestReply } from '../../src/service/contract.ts';
import { dispatcher } from '../../src/service/dispatcher.ts';
import { record, text } from '../../src/service/shape.ts';
import { addressing200408, addressing200508 } from '../../src/soap/addressing-versions.ts';
import { FaultError } from '../../src/soap/fault.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import type { Certificates } from './certificates.ts';
import { type Course, digestOf, type Executed } from './course.ts';

const namespace = 'urn:surewire:interop';
const line = record({ text });

interface Line {
  readonly text: string;
}

export interface InteropClient extends Life {
  echo(request: Line): Promise<Line>;
  notify(request: Line): Promise<undefined>;
}

/** What test/interop/gsoap/echo.h says. */
const interop = contract({
  name: 'interop',
  namespace,
  operations: {
    echo: requestReply({
      request: line,
      reply: line,
      element: 'echo',
      action: `${namespace}/echo`,
      replyAction: `${namespace}/echoResponse`,
    }),
    notify: oneWay({ request: line, element: 'notify', action: `${namespace}/notify` }),
  },
});

/** What differs from the plain end of a course. */
export interface EndOptions {
  /** Default true. */
  readonly ordered?: boolean;
  /** Message security, below the session. */
  readonly security?: BindingElement;
  /** Default true. */
  readonly namesContext?: boolean;
  /** Default true; without a session each message stands for itself. */
  readonly reliable?: boolean;
  /** Connections are made of exchanges (WS-MakeConnection). */
  readonly polled?: boolean;
  /** Connections are made of two, one from each end. */
  readonly decoupled?: boolean;
}

/** Where our client listens, and whom our service calls back. */
const twoConnections = { callbackAddress: new URL('http://127.0.0.1:0/answers'), replyHosts: ['127.0.0.1'] };

function bindingOf(course: Course, tls: Certificates, to: URL | undefined, options: EndOptions): Binding {
  const { ordered = true, security, namesContext = true, reliable = true, polled = false, decoupled = false } = options;
  const secured = security === undefined ? [] : [security];
  const http = httpTransport({
    tls: to === undefined ? { cert: tls.certificate, key: tls.key } : { ca: tls.authority },
  });
  const session = reliableSession({
    version: course.version === '1.0' ? reliable200502 : reliable200702,
    oneWay: course.operation === 'notify',
    ordered,
    namesContext,
    // On a busy machine the first of a row of losses may come soon, and the last wait would outlast the scenario.
    retryCeiling: 2_000,
    maxRetryCount: 16,
    // Metro and CXF never end the sequence that they were offered.
    ...((polled || decoupled) && { farewellTimeout: 1_000 }),
  });
  return binding(
    [
      exchange({ addressing: course.addressing === '2004/08' ? addressing200408 : addressing200508, to }),
      ...(reliable ? [session] : []),
      ...(polled ? [] : secured),
    ],
    // Who fetches what waits has to prove itself, too.
    polled ? makeConnection(binding(secured, http)) : decoupled ? compositeDuplex(http, twoConnections) : http,
  );
}

export interface SurewireServer {
  readonly listener: Listener;
  /** What was executed, once that is `count` messages or five seconds have passed. */
  executed(count: number): Promise<readonly Executed[]>;
}

/** A host of a reliable session on a free port. */
export function surewireServer(course: Course, tls: Certificates, options: EndOptions = {}): Promise<SurewireServer> {
  return served(bindingOf(course, tls, undefined, options), course.secure);
}

/** A host over HTTPS without a session and without addressing: security alone, for stacks that have no more. */
export function securedServer(policy: BindingElement, tls: Certificates): Promise<SurewireServer> {
  return served(binding([policy], httpTransport({ tls: { cert: tls.certificate, key: tls.key } })), true);
}

async function served(of: Binding, secure: boolean): Promise<SurewireServer> {
  const executed: Executed[] = [];
  const progress = new EventTarget();
  const note = (given: string): void => {
    executed.push({ number: executed.length + 1, length: Buffer.byteLength(given), digest: digestOf(given) });
    progress.dispatchEvent(new Event('executed'));
  };
  const service = dispatcher(interop, {
    echo: (request) => {
      if (request.text === 'fault') throw new FaultError({ code: 'sender', reason: 'You asked for a fault' });
      note(request.text);
      return { text: request.text };
    },
    notify: (request) => {
      note(request.text);
      return undefined;
    },
  });
  const listener = await listen(of, new URL(`${secure ? 'https' : 'http'}://127.0.0.1:0/interop`), service);
  return {
    listener,
    executed: (count) =>
      new Promise((resolve) => {
        const enough = AbortSignal.timeout(30_000);
        const look = (): void => {
          if (executed.length >= count || enough.aborted) resolve([...executed]);
        };
        progress.addEventListener('executed', look);
        enough.addEventListener('abort', look);
        look();
      }),
  };
}

export function surewireClient(course: Course, tls: Certificates, url: URL, options: EndOptions = {}): InteropClient {
  const channel = connect(bindingOf(course, tls, url, options), url);
  return client(interop, channel, { version: course.soap === '1.1' ? soap11 : soap12, timeout: 40_000 });
}

/** A client of such a host. */
export function securedClient(policy: BindingElement, tls: Certificates, url: URL, soap: '1.1' | '1.2'): InteropClient {
  const channel = connect(binding([policy], httpTransport({ tls: { ca: tls.authority } })), url);
  return client(interop, channel, { version: soap === '1.1' ? soap11 : soap12, timeout: 40_000 });
}

/** A client over HTTPS with addressing and without a session. */
export function exchangingClient(policy: BindingElement, tls: Certificates, url: URL): InteropClient {
  const elements = [exchange({ addressing: addressing200508, to: url }), policy];
  const channel = connect(binding(elements, httpTransport({ tls: { ca: tls.authority } })), url);
  return client(interop, channel, { version: soap12, timeout: 40_000 });
}

/** The texts of a course; the last fills up to the size that is asked for. */
export function textsOf(course: Course): readonly string[] {
  return Array.from({ length: course.messages }, (_, at) => `message ${at + 1} `.padEnd(course.size, 'x'));
}
