/**
 * Eclipse Metro where answers wait until the client asks for them (WS-MakeConnection) under a security context: the context is asked for
 * below the connection, and the question for what waits is under it.
 */
import { afterAll, describe, expect } from 'vitest';
import { certificates } from './certificates.ts';
import { plain, titleOf } from './course.ts';
import { type JavaCourse, startJava } from './java-peer.ts';
import { parties } from './parties.ts';
import { protectionNames, protectionOf } from './protections.ts';
import { scenario, unclaimed, withPeer } from './suite.ts';
import { surewireServer } from './surewire-end.ts';

const course: JavaCourse = { ...plain, messages: 3, polled: true, mode: 'conversation' };
const named = `MakeConnection, ${protectionNames.conversation}, ${titleOf(course)}`;

await withPeer(
  'metro',
  async () => {
    const [tls, messages] = await Promise.all([certificates(), parties()]);
    const keys = { messages, tls };
    return { keys, peer: await startJava('metro', keys) };
  },
  ({ keys, peer }) => {
    afterAll(() => peer.stop());
    const row = { peer: 'metro', version: course.version, scenario: named };

    describe('metro fetches what surewire keeps for it', () => {
      scenario({ ...row, direction: 'metro -> surewire' }, async () => {
        const server = await surewireServer(course, keys.tls, {
          ...protectionOf('metro', course, 'service', keys),
          polled: true,
        });
        try {
          const { sent, settled } = await peer.call(course, server.listener.url);
          expect(sent).toHaveLength(course.messages);
          expect(settled).toBe(true);
          expect(await server.executed(course.messages)).toEqual(sent);
        } finally {
          await server.listener.close(AbortSignal.timeout(2_000));
        }
      });
    });

    unclaimed({ ...row, direction: 'surewire -> metro' }, 'metro-server-pending');
  },
);
