/**
 * .NET on the other end of the wire: System.ServiceModel 8.1 opens reliable sessions with surewire over HTTPS, under a user name and
 * a security context; CoreWCF 1.9, which has no reliable sessions, serves under user names and security contexts.
 */
import { afterAll, describe, expect } from 'vitest';
import { secureConversation } from '../../src/conversation/element.ts';
import { algorithmSuite } from '../../src/security/algorithm-suites.ts';
import { security } from '../../src/security/element.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import { asked } from './asked.ts';
import { certificates } from './certificates.ts';
import { type Child, type PeerEvent, start } from './child.ts';
import { type Course, executed, plain, titleOf, versions } from './course.ts';
import { buildDotnet } from './dotnet-build.ts';
import { bare } from './parties.ts';
import { scenario, withPeer } from './suite.ts';
import { type EndOptions, exchangingClient, surewireServer } from './surewire-end.ts';

/** Milliseconds a program may live. */
const LIMIT = 300_000;
const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };
/** As WCF reads it: signatures with SHA-256. */
const suite = algorithmSuite('Basic256Sha256');
const username = { user: 'alice', password: 'secret', form: 'text' } as const;

interface Session extends Course {
  /** A user name, which with a reliable session asks for a security context. */
  readonly user?: boolean;
}

const courses: readonly Session[] = versions.flatMap((version) =>
  (['echo', 'notify'] as const).flatMap((operation) => [
    { ...plain, version, operation },
    { ...plain, version, operation, secure: true },
    { ...plain, version, operation, soap: '1.1' },
    { ...plain, version, operation, size: 65_536 },
    { ...plain, version, operation, secure: true, user: true },
  ]),
);

await withPeer(
  'dotnet',
  async () => {
    const [tls, program, service] = await Promise.all([certificates(), buildDotnet('client'), buildDotnet('server')]);
    const client = await asked(() => start('dotnet', [program], { name: '.NET client', limit: LIMIT, asked: true }));
    return { tls, client, service };
  },
  ({ tls, client, service }) => {
    afterAll(() => client.stop());
    /** Runs a session of the client to its end; what it sent. */
    const call = async (course: Session, url: URL): Promise<readonly PeerEvent[]> => {
      const { version: rm, soap, operation, messages, size, secure, user } = course;
      const keys = {
        ...(user === true && { mode: 'username' }),
        ...(secure && { tls: { anchor: bare(tls.authority) } }),
      };
      const calling = await client.ask({ rm, soap, operation, messages, size, url: url.href, security: keys });
      await calling.answer('done');
      return calling.said('sent');
    };

    describe('.NET opens a session with surewire', () => {
      for (const course of courses) {
        const { version } = course;
        const title = `${titleOf(course)}${course.user === true ? ', user name, under a security context' : ''}`;
        scenario({ peer: 'dotnet', direction: 'dotnet -> surewire', version, scenario: title }, async () => {
          const options: EndOptions =
            course.user === true
              ? { security: secureConversation({ bootstrap: usernameOverTransport({ passwords }), suite }) }
              : {};
          const server = await surewireServer(course, tls, options);
          try {
            const sent = executed(await call(course, server.listener.url), 'sent');
            expect(sent).toHaveLength(course.messages);
            expect(await server.executed(course.messages)).toEqual(sent);
          } finally {
            await server.listener.close(AbortSignal.timeout(2_000));
          }
        });
      }
    });

    describe('surewire calls CoreWCF', () => {
      for (const mode of ['username', 'conversation'] as const) {
        const what = mode === 'username' ? 'user name over HTTPS' : 'user name over HTTPS, under a security context';
        scenario({ peer: 'dotnet', direction: 'surewire -> dotnet', version: 'none', scenario: what }, async () => {
          const server: Child = start('dotnet', [service], { name: 'CoreWCF', limit: LIMIT, asked: true });
          server.say(JSON.stringify({ mode, tls: { key: bare(tls.key), certificate: bare(tls.certificate) } }));
          const { port } = await server.event('ready');
          const bootstrap = usernameOverTransport({ username });
          const element = mode === 'username' ? security(bootstrap) : secureConversation({ bootstrap, suite });
          const calls = exchangingClient(element, tls, new URL(`https://127.0.0.1:${String(port)}/interop`));
          try {
            for (const text of ['one', 'two']) expect(await calls.echo({ text })).toEqual({ text });
            await calls.close(AbortSignal.timeout(10_000));
            expect(executed(server.events, 'executed')).toHaveLength(2);
          } finally {
            calls.abort(new Error('the scenario is over'));
            await server.stop();
          }
        });
      }
    });
  },
);
