/**
 * A Java stack as either end of a course: one process for the whole suite, asked line by line (cxf/Peer.java, metro/Peer.java).
 */

import type { Certificates } from './certificates.ts';
import { type Child, type PeerEvent, start } from './child.ts';
import { type Course, type Executed, executed } from './course.ts';
import { buildJava } from './java-build.ts';
import { bare, type Parties, type PartyName } from './parties.ts';
import type { Mode } from './protections.ts';

/** What a course says to a Java stack beyond what it says to everybody. */
export interface JavaCourse extends Course {
  /** Protection of messages; none where not given. */
  readonly mode?: Mode;
  /** Whether the client fetches what waits for it (WS-MakeConnection) instead of being answered on its exchanges. */
  readonly polled?: boolean;
  /** Whether the client asks for a fault between its first message and its second. */
  readonly fault?: boolean;
}

export type JavaStack = 'cxf' | 'metro';

/** The keys that it has: its own for messages, what it knows of the peer, and those of HTTPS. */
export interface JavaKeys {
  readonly messages: Parties;
  readonly tls: Certificates;
}

export interface JavaServer {
  readonly url: URL;
  /** What was executed, once that is `count` messages or the limit has passed. */
  executed(count: number): Promise<readonly Executed[]>;
  stop(): Promise<void>;
}

export interface JavaPeer {
  readonly release: string;
  serve(course: JavaCourse): Promise<JavaServer>;
  /** Runs a client to its end; what it sent, in order, and whether everything was acknowledged before the end. */
  call(course: JavaCourse, url: URL): Promise<{ readonly sent: readonly Executed[]; readonly settled: boolean }>;
  tail(): string;
  stop(): Promise<void>;
}

/** Milliseconds for the process; for one answer of it. */
const LIFE = 1_200_000;
const LIMIT = 60_000;

/**
 * Java's HTTP client repeats a POST by itself when a connection ends without an answer, octet for octet (RFC 9110 section 9.2.2
 * says that it must not): under message security that is a replay, and is refused as one.
 */
const JAVA = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Dsun.net.http.retryPost=false'];

/** @throws NotInstalled */
export async function startJava(name: JavaStack, keys: JavaKeys): Promise<JavaPeer> {
  const classPath = await buildJava(name, { common: true });
  const child = start('java', [...JAVA, '-cp', classPath, `surewire.${name}.Peer`], {
    name,
    limit: LIFE,
    asked: true,
  });
  const { release } = await child.event('ready');
  let ids = 0;
  const ask = (id: number, asked: object): void => child.say(JSON.stringify({ id, ...asked }));
  /** It is the party "service" when it serves and "client" when it calls. */
  const settings = (course: JavaCourse, own: PartyName, peer: PartyName): object => {
    const { version, soap, addressing, mode, secure, polled = false } = course;
    const { of, authority } = keys.messages;
    const { certificate, key } = of[own];
    const { tls } = keys;
    const security = {
      ...(mode !== undefined && { mode }),
      own: { key: bare(key), certificate: bare(certificate) },
      peer: bare(of[peer].certificate),
      anchor: bare(authority),
      ...(secure && { tls: { key: bare(tls.key), certificate: bare(tls.certificate), anchor: bare(tls.authority) } }),
    };
    return { rm: version, soap, addressing, polled, security };
  };
  return {
    release: String(release),
    tail: () => child.tail(),
    stop: () => child.stop(),
    async serve(course) {
      const id = ++ids;
      ask(id, { do: 'serve', ...settings(course, 'service', 'client') });
      const { port } = await answer(child, id, 'listening');
      return {
        url: new URL(`${course.secure ? 'https' : 'http'}://127.0.0.1:${String(port)}/interop`),
        async executed(count) {
          await until(() => own(child, id, 'executed').length >= count);
          return executed(own(child, id, 'executed'), 'executed');
        },
        async stop() {
          ask(id, { do: 'stop' });
          await answer(child, id, 'stopped');
        },
      };
    },
    async call(course, url) {
      const id = ++ids;
      const { operation, messages, size, fault = false } = course;
      ask(id, {
        do: 'call',
        ...settings(course, 'client', 'service'),
        url: url.href,
        operation,
        messages,
        size,
        fault,
      });
      // Metro asks for what waits every two seconds and a half.
      const { settled } = await answer(child, id, 'done', course.polled === true ? 2 * LIMIT : LIMIT);
      return { sent: executed(own(child, id, 'sent'), 'sent'), settled: settled === true };
    },
  };
}

function own(child: Child, id: number, name: string): readonly PeerEvent[] {
  return child.events.filter(({ event, id: owner }) => event === name && owner === id);
}

async function answer(child: Child, id: number, name: string, limit: number = LIMIT): Promise<PeerEvent> {
  await until(() => own(child, id, name).length > 0 || own(child, id, 'failed').length > 0, limit);
  const [found] = own(child, id, name);
  if (found !== undefined) return found;
  const [{ why } = { why: `no "${name}" in ${limit} ms` }] = own(child, id, 'failed');
  throw new Error(`${child.name}: ${String(why)}\n${child.tail()}`);
}

/** Waits until something holds, or the limit has passed. */
async function until(holds: () => boolean, limit: number = LIMIT): Promise<void> {
  const end = performance.now() + limit;
  while (!holds() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
}
