/** Apache CXF's WS-RM and WS-Security on the other end of the wire, in both directions. */
import { afterAll } from 'vitest';
import { certificates } from './certificates.ts';
import { plain, versions } from './course.ts';
import { type JavaCourse, startJava } from './java-peer.ts';
import { hops, javaSessions, over } from './java-sessions.ts';
import { parties } from './parties.ts';
import { withPeer } from './suite.ts';
import { tokenIssuer } from './token-issuer.ts';

const courses: readonly JavaCourse[] = versions.flatMap((version) =>
  (['echo', 'notify'] as const).flatMap((operation) => [
    { ...plain, version, operation },
    { ...plain, version, operation, secure: true },
    { ...plain, version, operation, soap: '1.1' },
    { ...plain, version, operation, size: 65_536 },
    { ...plain, version, operation, size: 1_048_576, messages: 3 },
    { ...plain, version, operation, messages: 100 },
    { ...plain, version, operation, secure: true, mode: 'username' },
    { ...plain, version, operation, mode: 'sign' },
    { ...plain, version, operation, mode: 'sign-encrypt' },
    { ...plain, version, operation, mode: 'conversation' },
    { ...plain, version, operation, secure: true, mode: 'user-conversation' },
    { ...plain, version, operation, mode: 'sign-encrypt', size: 65_536 },
    ...(['issued', 'issued-saml11', 'issued-bearer', 'issued-conversation'] as const).map((mode) => ({
      ...plain,
      ...{ version, operation, secure: true, mode },
    })),
    { ...plain, version, operation, mode: 'issued-certificate' },
  ]),
);
/** The namespace that WS-RM 1.0 was written with; the other rows speak WS-Addressing 1.0. */
const submission: readonly JavaCourse[] = (['echo', 'notify'] as const).map((operation) => ({
  ...plain,
  version: '1.0',
  operation,
  addressing: '2004/08',
}));
const lossy: readonly JavaCourse[] = versions.flatMap((version) =>
  (['echo', 'notify'] as const).flatMap((operation) => [
    ...hops.map((hop) => ({ ...plain, version, operation, ...hop })),
    { ...plain, version, operation, mode: 'sign' },
    { ...plain, version, operation, mode: 'sign-encrypt' },
    { ...plain, version, operation, mode: 'conversation' },
    { ...plain, version, operation, secure: true, mode: 'issued' },
    { ...plain, version, operation, secure: true, mode: 'issued-conversation' },
    { ...plain, version, operation, mode: 'issued-certificate' },
  ]),
);

await withPeer(
  'cxf',
  async () => {
    const [tls, messages] = await Promise.all([certificates(), parties()]);
    const issuer = await tokenIssuer(messages, tls);
    const keys = { messages, tls, issuer };
    return { keys, peer: await startJava('cxf', keys) };
  },
  ({ keys, peer }) => {
    afterAll(() => Promise.all([peer.stop(), keys.issuer.close()]));
    javaSessions(peer, keys, {
      name: 'cxf',
      courses: [...courses, ...submission],
      lossy,
      answersAgain: false,
      notCalling: over(['echo', 'notify'], 'connections broken in the middle of an answer', 'cxf-client-answer-cut'),
      not: [
        ...over(['echo'], 'answers lost on the way', 'cxf-server-answer-lost'),
        ...over(['echo'], 'connections broken in the middle of an answer', 'cxf-server-answer-lost'),
        ['request-reply, an operation answers with a fault', 'cxf-server-fault'],
      ],
    });
  },
);
