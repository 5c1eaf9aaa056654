/** gSOAP's wsseapi on the other end of the wire, in both directions, in a session of wsrmapi and without one. */
import { describe } from 'vitest';
import { plain, versions } from './course.ts';
import type { FlawName } from './flaws.ts';
import type { GsoapCourse } from './gsoap-peer.ts';
import { type GsoapMode, protectionName } from './gsoap-protection.ts';
import { callsGsoap, faultOfGsoap, type GsoapRun, gsoapCalls, gsoapEnds, named, operations } from './gsoap-runs.ts';
import { scenario, unclaimed, withPeer } from './suite.ts';

const overTls: readonly GsoapMode[] = ['username', 'digest', 'saml11', 'saml20'];
const modes: readonly GsoapMode[] = [
  ...overTls,
  ...(['sign', 'sign-user', 'vouched', 'sign-encrypt', 'sign-encrypt-oaep', 'sign-encrypt-gcm'] as const),
];
const courses: readonly GsoapCourse[] = operations.flatMap((operation) =>
  modes.map((mode) => ({ ...plain, operation, mode, secure: overTls.includes(mode) })),
);

/** In a session only. */
const further: readonly GsoapCourse[] = operations.flatMap((operation) =>
  (['username', 'sign'] as const).flatMap((mode) => {
    const course = { ...plain, operation, mode, secure: mode === 'username' };
    return [
      { ...course, soap: '1.1' as const },
      { ...course, size: 65_536 },
      { ...course, messages: 100 },
    ];
  }),
);

/** What is not claimed of gSOAP's client. */
function clientFlaw({ mode, operation, version, reliable = true }: GsoapCourse): FlawName | undefined {
  if (mode === 'sign-encrypt-oaep' || mode === 'sign-encrypt-gcm') return 'gsoap-client-oaep';
  if (mode === 'saml11' || mode === 'saml20') return 'gsoap-client-saml';
  if (mode !== 'sign-encrypt') return undefined;
  if (operation === 'echo') return 'gsoap-encrypted-body';
  return reliable && version === '1.0' ? 'gsoap-client-encrypted-offer' : undefined;
}

/** What is not claimed of its server. */
function serverFlaw({ mode }: GsoapCourse): FlawName | undefined {
  return mode?.startsWith('sign-encrypt') ? 'gsoap-encrypted-body' : undefined;
}

await withPeer('gsoap', gsoapEnds, (ends) => {
  const tried = (course: GsoapCourse, what: string = named(course), run: GsoapRun = {}): void => {
    const kind =
      course.reliable === false
        ? { peer: 'gsoap-wsse', version: ends.gsoap.release }
        : { peer: 'gsoap', version: course.version };
    const row = { ...kind, scenario: what, direction: 'gsoap -> surewire' };
    const flaw = run.more === undefined ? clientFlaw(course) : undefined;
    if (flaw === undefined) scenario(row, () => gsoapCalls(ends, course, run));
    else unclaimed(row, flaw);
    if (run.more !== undefined) return;
    const there = { ...row, direction: 'surewire -> gsoap' };
    const defect = serverFlaw(course);
    if (defect === undefined) scenario(there, () => callsGsoap(ends, course, run));
    else unclaimed(there, defect);
  };

  describe('messages are protected', () => {
    for (const course of courses) {
      for (const version of versions) tried({ ...course, version });
      tried({ ...course, reliable: false });
    }
    for (const version of versions) {
      for (const course of further) tried({ ...course, version });
      for (const mode of ['username', 'sign'] as const) {
        const course: GsoapCourse = { ...plain, version, mode, secure: mode === 'username' };
        const what = `request-reply, an operation answers with a fault, ${protectionName(mode)}`;
        scenario({ peer: 'gsoap', version, scenario: what, direction: 'surewire -> gsoap' }, () =>
          faultOfGsoap(ends, course),
        );
        scenario({ peer: 'gsoap', version, scenario: what, direction: 'gsoap -> surewire' }, () =>
          gsoapCalls(ends, course, { more: ['-e'] }),
        );
      }
      const course: GsoapCourse = { ...plain, version, operation: 'notify', mode: 'sign-encrypt' };
      tried(course, `${named(course)}, without an Offer`, { more: ['-f'] });
    }
  });
});
