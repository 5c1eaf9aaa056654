/** Eclipse Metro's WS-MakeConnection on the other end of the wire: clients that nobody can connect to, in both directions. */
import { afterAll, describe, expect } from 'vitest';
import { certificates } from './certificates.ts';
import { asExecuted, plain, titleOf } from './course.ts';
import { type JavaCourse, startJava } from './java-peer.ts';
import { talk } from './java-sessions.ts';
import { parties } from './parties.ts';
import { scenario, unclaimed, withPeer } from './suite.ts';
import { surewireClient, surewireServer, textsOf } from './surewire-end.ts';

const courses = (operation: 'echo' | 'notify'): readonly JavaCourse[] =>
  (['1.2', '1.1'] as const).map((soap) => ({ ...plain, operation, soap, messages: 2, polled: true }));
const named = (course: JavaCourse): string => `MakeConnection, ${titleOf(course)}`;

await withPeer(
  'metro',
  async () => {
    const [tls, messages] = await Promise.all([certificates(), parties()]);
    return { tls, peer: await startJava('metro', { messages, tls }) };
  },
  ({ tls, peer }) => {
    afterAll(() => peer.stop());

    describe.concurrent('metro fetches what surewire keeps for it', () => {
      for (const course of courses('echo')) {
        const row = { peer: 'metro', direction: 'metro -> surewire', version: course.version, scenario: named(course) };
        scenario(row, async () => {
          const server = await surewireServer(course, tls, { polled: true });
          try {
            const { sent, settled } = await peer.call(course, server.listener.url);
            expect(sent).toHaveLength(course.messages);
            expect(settled).toBe(true);
            expect(await server.executed(course.messages)).toEqual(sent);
          } finally {
            await server.listener.close(AbortSignal.timeout(2_000));
          }
        });
      }
      for (const course of courses('notify')) {
        const row = { peer: 'metro', direction: 'metro -> surewire', version: course.version, scenario: named(course) };
        unclaimed(row, 'metro-client-one-way-polled');
      }
    });

    describe('surewire fetches what metro keeps for it', () => {
      for (const course of [...courses('echo'), ...courses('notify')]) {
        const row = { peer: 'metro', direction: 'surewire -> metro', version: course.version, scenario: named(course) };
        scenario(row, async () => {
          const server = await peer.serve(course);
          const client = surewireClient(course, tls, server.url, { polled: true });
          try {
            await talk(client, course);
            expect(await server.executed(course.messages)).toEqual(textsOf(course).map(asExecuted));
          } finally {
            client.abort(new Error('the scenario is over'));
            await server.stop();
          }
        });
      }
    });
  },
);
