/** What gets lost between surewire and gSOAP over HTTPS: the relay stands in the TLS connection with the key of the server. */
import { describe } from 'vitest';
import { certificates } from './certificates.ts';
import { type Course, titleOf } from './course.ts';
import { losses } from './disturbances.ts';
import { buildGsoap } from './gsoap-build.ts';
import { callsGsoap, gsoapCalls, operations, plain, versions } from './gsoap-runs.ts';
import { scenario, unclaimed, withPeer } from './suite.ts';

const courses: readonly Course[] = versions.flatMap((version) =>
  // One connection after the other: what is lost with one must not hold the next.
  operations.map((operation) => ({ ...plain, version, operation, secure: true, keepAlive: false })),
);

await withPeer(
  'gsoap',
  async () => ({ gsoap: await buildGsoap(), tls: await certificates() }),
  (ends) => {
    describe('exchanges over TLS are lost', () => {
      for (const course of courses) {
        const { version, operation } = course;
        for (const { what, plan, losesAnswers } of losses) {
          const row = { peer: 'gsoap', version, scenario: `${titleOf(course)}, ${what(operation)}` };
          scenario({ ...row, direction: 'gsoap -> surewire' }, () =>
            gsoapCalls(ends, course, { more: ['-r', '5'], plan: plan() }),
          );
          const there = { ...row, direction: 'surewire -> gsoap' };
          if (losesAnswers && operation === 'echo') unclaimed(there, 'gsoap-server-answer-lost');
          else scenario(there, () => callsGsoap(ends, course, { plan: plan() }));
        }
      }
    });
  },
);
