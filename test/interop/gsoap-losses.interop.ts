/**
 * What gets lost between surewire and gSOAP when messages are protected: over HTTPS the relay stands in the TLS connection with the
 * key of the server.
 */
import { describe } from 'vitest';
import { plain, versions } from './course.ts';
import { losses } from './disturbances.ts';
import type { GsoapCourse } from './gsoap-peer.ts';
import { callsGsoap, gsoapCalls, gsoapEnds, named, operations } from './gsoap-runs.ts';
import { scenario, unclaimed, withPeer } from './suite.ts';

const courses: readonly GsoapCourse[] = ([undefined, 'username', 'sign'] as const).flatMap((mode) =>
  versions.flatMap((version) =>
    operations.map((operation) => ({
      ...plain,
      // One connection after the other: what is lost with one must not hold the next.
      ...{ version, operation, secure: mode !== 'sign', keepAlive: false },
      ...(mode !== undefined && { mode }),
    })),
  ),
);

await withPeer('gsoap', gsoapEnds, (ends) => {
  describe('protected exchanges are lost', () => {
    for (const course of courses) {
      const { version, operation } = course;
      for (const { what, plan, losesAnswers } of losses) {
        const row = { peer: 'gsoap', version, scenario: `${named(course)}, ${what(operation)}` };
        scenario({ ...row, direction: 'gsoap -> surewire' }, () =>
          gsoapCalls(ends, course, { more: ['-r', '5'], plan: plan() }),
        );
        const there = { ...row, direction: 'surewire -> gsoap' };
        if (losesAnswers && operation === 'echo') unclaimed(there, 'gsoap-server-answer-lost');
        else scenario(there, () => callsGsoap(ends, course, { plan: plan() }));
      }
    }
  });
});
