/**
 * A Java stack as either end of a course: one process for the whole suite, asked line by line (cxf/Peer.java, metro/Peer.java).
 */
import { ANSWER_LIMIT, asked, type Question } from './asked.ts';
import type { Certificates } from './certificates.ts';
import { type PeerEvent, start } from './child.ts';
import { type Course, type Executed, executed } from './course.ts';
import { buildJava } from './java-build.ts';
import { bare, type Parties, type PartyName } from './parties.ts';
import { pool } from './pool.ts';
import type { Mode } from './protections.ts';
import type { TokenIssuer } from './token-issuer.ts';

/** What a course says to a Java stack beyond what it says to everybody. */
export interface JavaCourse extends Course {
  /** Protection of messages; none where not given. */
  readonly mode?: Mode;
  /** Whether the client fetches what waits for it (WS-MakeConnection) instead of being answered on its exchanges. */
  readonly polled?: boolean;
  /** Whether the client is answered at an address of its own, over a second connection. */
  readonly decoupled?: boolean;
  /** Whether the client makes its calls but the first at the same time, and closes while they are under way. */
  readonly inFlight?: boolean;
  /** Whether the client asks for a fault between its first message and its second. */
  readonly fault?: boolean;
}

export type JavaStack = 'cxf' | 'metro';

/** The keys that it has: its own for messages, what it knows of the peer, and those of HTTPS. */
export interface JavaKeys {
  readonly messages: Parties;
  readonly tls: Certificates;
  /** Who issues tokens to its client and to ours. */
  readonly issuer?: TokenIssuer;
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

/** Milliseconds for the process. */
const LIFE = 1_200_000;

/**
 * Java's HTTP client repeats a POST by itself when a connection ends without an answer, octet for octet (RFC 9110 section 9.2.2
 * says that it must not): under message security that is a replay, and is refused as one. Its server waits with the second half of
 * an answer until the first is acknowledged.
 */
const JAVA = [
  ...['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'],
  ...['-Dsun.net.http.retryPost=false', '-Dsun.net.httpserver.nodelay=true'],
  // Newer releases of CXF answer at no other address without it.
  '-Dorg.apache.cxf.ws.addressing.decoupled.enabled=true',
];

/**
 * @param processes how many serve, each one course at a time; where not given one process serves them all at once
 * @throws NotInstalled
 */
export async function startJava(name: JavaStack, keys: JavaKeys, processes?: number): Promise<JavaPeer> {
  const classPath = await buildJava(name, { common: true });
  const arguments_ = [...JAVA, '-cp', classPath, `surewire.${name}.Peer`];
  const launch = () => asked(() => start('java', arguments_, { name, limit: LIFE, asked: true }));
  const peer = await launch();
  const servers = pool(peer, processes ?? 1, launch);
  /** It is the party "service" when it serves and "client" when it calls. */
  const settings = (course: JavaCourse, own: PartyName, other: PartyName): object => {
    const { version, soap, addressing, mode, secure, polled = false, decoupled = false } = course;
    const { of, authority } = keys.messages;
    const { certificate, key } = of[own];
    const { tls, issuer } = keys;
    const security = {
      ...(mode !== undefined && { mode }),
      ...(issuer !== undefined && {
        issuer: { url: issuer.url.href, audience: issuer.audience, tls: { anchor: bare(tls.authority) } },
      }),
      own: { key: bare(key), certificate: bare(certificate) },
      peer: bare(of[other].certificate),
      anchor: bare(authority),
      ...(secure && { tls: { key: bare(tls.key), certificate: bare(tls.certificate), anchor: bare(tls.authority) } }),
    };
    return { rm: version, soap, addressing, polled, decoupled, security };
  };
  const { release } = peer.ready;
  return {
    release: String(release),
    tail: () => peer.tail(),
    stop: () => servers.stop(),
    async serve(course) {
      const by = processes === undefined ? peer : await servers.take();
      const done = (): void => {
        if (processes !== undefined) servers.give(by);
      };
      const listening = async (): Promise<readonly [Question, PeerEvent]> => {
        const question = await by.ask({ do: 'serve', ...settings(course, 'service', 'client') });
        return [question, await question.answer('listening')];
      };
      const [serving, { port }] = await listening().catch((thrown: unknown) => {
        done();
        throw thrown;
      });
      return {
        url: new URL(`${course.secure ? 'https' : 'http'}://127.0.0.1:${String(port)}/interop`),
        executed: async (count) => executed(await serving.several('executed', count), 'executed'),
        async stop() {
          serving.add({ do: 'stop' });
          await serving.answer('stopped').finally(done);
        },
      };
    },
    async call(course, url) {
      const { operation, messages, size, fault = false, inFlight = false } = course;
      const own = settings(course, 'client', 'service');
      keys.issuer?.knows(url.href);
      const calling = await peer.ask({ do: 'call', ...own, url: url.href, operation, messages, size, fault, inFlight });
      // Metro asks for what waits every two seconds and a half.
      const { settled } = await calling.answer('done', course.polled === true ? 2 * ANSWER_LIMIT : ANSWER_LIMIT);
      return { sent: executed(calling.said('sent'), 'sent'), settled: settled === true };
    },
  };
}
