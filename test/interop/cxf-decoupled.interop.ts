/**
 * Apache CXF over two connections: requests go on one, and answers and acknowledgements to an address of the client on another (CXF's
 * decoupled endpoint, WCF's wsDualHttp), in both directions.
 */
import { afterAll, describe, expect } from 'vitest';
import { certificates } from './certificates.ts';
import { asExecuted, plain, titleOf, versions } from './course.ts';
import type { FlawName } from './flaws.ts';
import { type JavaCourse, startJava } from './java-peer.ts';
import { talk, unlucky } from './java-sessions.ts';
import { parties } from './parties.ts';
import { protectionNames, protectionOf } from './protections.ts';
import { type Plan, relayTo } from './relay.ts';
import { scenario as once, type Scenario, unclaimed, withPeer } from './suite.ts';
import { surewireClient, surewireServer, textsOf } from './surewire-end.ts';
import { keepFailure } from './transcripts.ts';

const courses: readonly JavaCourse[] = versions.flatMap((version) =>
  (['echo', 'notify'] as const).flatMap((operation) =>
    ([{}, { mode: 'sign-encrypt' }, { mode: 'conversation' }] as const).map((security) => ({
      ...plain,
      ...{ version, operation, decoupled: true },
      ...security,
    })),
  ),
);
const named = (course: JavaCourse): string =>
  ['two connections', titleOf(course), ...(course.mode === undefined ? [] : [protectionNames[course.mode]])].join(', ');
/** Each course as it is, and those without security once more with losses. */
const runs: readonly { readonly course: JavaCourse; readonly scenario: string; readonly plan?: Plan }[] = [
  ...courses.map((course) => ({ course, scenario: named(course) })),
  ...courses
    .filter(({ mode }) => mode === undefined)
    .map((course) => ({ course, scenario: `${named(course)}, exchanges lost on the way`, plan: unlucky })),
];

/** CXF now and then takes an acknowledgement that comes with an answer for the answer. */
const scenario = (row: Scenario, body: () => Promise<void>): void => once(row, body, 2);

/** Why its server does not acknowledge a one-way message, where nothing else carries the acknowledgement. */
function flawOf({ version, operation, mode }: JavaCourse): FlawName | undefined {
  if (operation !== 'notify') return undefined;
  if (mode === 'conversation') return 'cxf-server-out-of-band';
  return version === '1.0' ? 'cxf-server-last-message' : undefined;
}

await withPeer(
  'cxf',
  async () => {
    const [tls, messages] = await Promise.all([certificates(), parties()]);
    const keys = { messages, tls };
    return { keys, peer: await startJava('cxf', keys) };
  },
  ({ keys, peer }) => {
    afterAll(() => peer.stop());
    const { tls } = keys;
    const optionsOf = (course: JavaCourse, own: 'client' | 'service') => ({
      ...protectionOf('cxf', course, own, keys),
      decoupled: true,
    });

    describe('cxf is answered by surewire at its own address', () => {
      for (const { course, scenario: title, plan } of runs) {
        const row = { peer: 'cxf', direction: 'cxf -> surewire', version: course.version, scenario: title };
        if (plan !== undefined && course.operation === 'echo') {
          unclaimed(row, 'cxf-client-acknowledgement-lost');
          continue;
        }
        scenario(row, async () => {
          const server = await surewireServer(course, tls, optionsOf(course, 'service'));
          // CXF takes an answer that overtakes the empty 202 of its request for none of its operation: nothing delays that in between.
          const relay = plan === undefined ? undefined : await relayTo(server.listener.url, plan);
          try {
            const { sent, settled } = await peer.call(course, relay?.url ?? server.listener.url);
            expect(sent).toHaveLength(course.messages);
            expect(settled).toBe(true);
            expect(await server.executed(course.messages)).toEqual(sent);
            if (relay !== undefined) expect(relay.mishaps.length).toBeGreaterThan(1);
          } catch (thrown) {
            keepFailure(`${row.direction} ${row.scenario} ${row.version}`, relay?.heard ?? []);
            throw thrown;
          } finally {
            await relay?.close();
            await server.listener.close(AbortSignal.timeout(2_000));
          }
        });
      }
    });

    describe('surewire is answered by cxf at its own address', () => {
      for (const { course, scenario: title, plan } of runs) {
        const row = { peer: 'cxf', direction: 'surewire -> cxf', version: course.version, scenario: title };
        const flaw = flawOf(course);
        if (flaw !== undefined) {
          unclaimed(row, flaw);
          continue;
        }
        scenario(row, async () => {
          const server = await peer.serve(course);
          const relay = await relayTo(server.url, plan);
          const client = surewireClient(course, tls, relay.url, optionsOf(course, 'client'));
          try {
            await talk(client, course);
            expect(await server.executed(course.messages)).toEqual(textsOf(course).map(asExecuted));
            if (plan !== undefined) expect(relay.mishaps.length).toBeGreaterThan(1);
          } catch (thrown) {
            keepFailure(`${row.direction} ${row.scenario} ${row.version}`, relay.heard);
            throw thrown;
          } finally {
            client.abort(new Error('the scenario is over'));
            await relay.close();
            await server.stop();
          }
        });
      }
    });
  },
);
