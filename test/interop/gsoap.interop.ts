/** gSOAP's wsrmapi on the other end of the wire, in both directions; first the two gSOAP peers against each other. */
import { describe, expect, test } from 'vitest';
import { certificates } from './certificates.ts';
import { buildGsoap } from './gsoap-build.ts';
import { type Course, digestOf, type Executed, executed, gsoapClient, gsoapServer } from './gsoap-peer.ts';
import { lossyRelay, type Mishap } from './lossy-relay.ts';
import { scenario, withPeer } from './suite.ts';
import { surewireClient, surewireServer, textsOf } from './surewire-end.ts';

const plain: Course = { version: '1.1', operation: 'echo', messages: 10, size: 20, secure: false, soap: '1.2' };
const versions = ['1.0', '1.1'] as const;
const operations = ['echo', 'notify'] as const;
/** The sixteen that the product promises, and the two that vary the envelope. */
const courses: readonly Course[] = versions.flatMap((version) =>
  operations.flatMap((operation) => [
    { ...plain, version, operation },
    { ...plain, version, operation, secure: true },
    { ...plain, version, operation, soap: '1.1' },
    { ...plain, version, operation, size: 65_536 },
  ]),
);

/** Every fourth exchange is lost, its request and its answer in turn. */
const unlucky = (exchange: number): Mishap | undefined => {
  if (exchange % 4 !== 0) return undefined;
  return exchange % 8 === 0 ? 'answer lost' : 'request lost';
};

/** The same for a client that cannot repeat its protocol messages: the last exchanges come through. */
const unluckyMessages = (exchange: number): Mishap | undefined => (exchange > 12 ? undefined : unlucky(exchange));

await withPeer(
  'gsoap',
  async () => ({ gsoap: await buildGsoap(), tls: await certificates() }),
  ({ gsoap, tls }) => {
    describe('the peers themselves', () => {
      for (const course of courses) {
        test(`gSOAP ${gsoap.release} to itself, WS-RM ${course.version}, ${titleOf(course)}`, async () => {
          const server = await gsoapServer(gsoap, course, tls);
          try {
            const client = await gsoapClient(gsoap, course, tls, server.url);
            const sent = executed(client.events, 'sent');
            expect(sent).toHaveLength(course.messages);
            expect(executed(server.child.events, course.operation)).toEqual(sent);
          } finally {
            await server.child.stop();
          }
        });
      }
    });

    describe('gSOAP opens a session with surewire', () => {
      const row = { peer: 'gsoap', direction: 'gsoap -> surewire' } as const;

      /** Runs the client with further options; all its messages must have been executed once and in order. */
      const run = async (course: Course, more: readonly string[] = [], plan?: typeof unlucky): Promise<void> => {
        const server = await surewireServer(course, tls);
        const relay = plan && (await lossyRelay(server.listener.url, plan));
        try {
          const client = await gsoapClient(gsoap, course, tls, relay?.url ?? server.listener.url, more);
          const sent = executed(client.events, 'sent').map((message, at) => ({ ...message, number: at + 1 }));
          expect(sent.length).toBeGreaterThan(0);
          expect(server.executed).toEqual(sent);
          if (relay !== undefined) expect(relay.mishaps.length).toBeGreaterThan(1);
        } finally {
          await relay?.close();
          await server.listener.close(AbortSignal.timeout(2_000));
        }
      };

      for (const course of courses) {
        const { version } = course;
        scenario({ ...row, version, scenario: titleOf(course) }, () => run(course));
      }
      for (const version of versions) {
        const one = { ...row, version };
        const oneWay: Course = { ...plain, version, operation: 'notify' };
        scenario({ ...one, scenario: 'one-way without an Offer' }, () => run(oneWay, ['-f']));
        scenario({ ...one, scenario: 'one-way, terminated without being closed' }, () => run(oneWay, ['-x']));
        scenario({ ...one, scenario: 'several sequences one after the other' }, () =>
          run({ ...plain, version }, ['-q', '3']),
        );
        scenario({ ...one, scenario: 'protocol messages with a MessageID' }, () => run({ ...plain, version }, ['-m']));
        scenario({ ...one, scenario: 'request-reply, exchanges lost on the way' }, () =>
          run({ ...plain, version }, ['-r', '5'], unluckyMessages),
        );
        scenario({ ...one, scenario: 'one-way, exchanges lost on the way' }, () =>
          run(oneWay, ['-r', '5'], unluckyMessages),
        );
      }
    });

    describe('surewire opens a session with gSOAP', () => {
      const row = { peer: 'gsoap', direction: 'surewire -> gsoap' } as const;

      /** Sends the texts of the course; the server must have executed each once and in order. */
      const run = async (course: Course, plan?: typeof unlucky): Promise<void> => {
        const server = await gsoapServer(gsoap, course, tls);
        const relay = plan && (await lossyRelay(server.url, plan));
        const client = surewireClient(course, tls, relay?.url ?? server.url);
        const texts = textsOf(course);
        try {
          if (course.operation === 'echo') {
            for (const text of texts) expect(await client.echo({ text })).toEqual({ text });
            await client.close(AbortSignal.timeout(15_000));
          } else {
            // gSOAP acknowledges one-way messages when the sequence is closed, so these settle no sooner.
            const settled = Promise.all(texts.map((text) => client.notify({ text })));
            const arrived = server.child.event('notify', course.messages);
            await Promise.race([arrived, settled]);
            await Promise.all([settled, client.close(AbortSignal.timeout(15_000))]);
          }
          expect(executed(server.child.events, course.operation)).toEqual(texts.map(asExecuted));
          if (relay !== undefined) expect(relay.mishaps.length).toBeGreaterThan(1);
        } catch (thrown) {
          const reason = thrown instanceof Error ? thrown.message : String(thrown);
          throw new Error(`${reason}\n${server.child.tail()}`, { cause: thrown });
        } finally {
          client.abort(new Error('the scenario is over'));
          await relay?.close();
          await server.child.stop();
        }
      };

      for (const course of courses) {
        const { version } = course;
        scenario({ ...row, version, scenario: titleOf(course) }, () => run(course));
      }
      for (const version of versions) {
        const oneWay: Course = { ...plain, version, operation: 'notify' };
        scenario({ ...row, version, scenario: 'one-way, exchanges lost on the way' }, () => run(oneWay, unlucky));
      }
    });
  },
);

function titleOf({ operation, secure, soap, size }: Course): string {
  const what = operation === 'echo' ? 'request-reply' : 'one-way';
  const details = [...(soap === '1.1' ? ['SOAP 1.1'] : []), ...(size >= 1024 ? [`${size / 1024} KB`] : [])];
  return [`${what} over ${secure ? 'HTTPS' : 'HTTP'}`, ...details].join(', ');
}

function asExecuted(text: string, at: number): Executed {
  return { number: at + 1, length: Buffer.byteLength(text), digest: digestOf(text) };
}
