/** Apache CXF's WS-RM and WS-Security on the other end of the wire, in both directions. */
import { afterAll } from 'vitest';
import { certificates } from './certificates.ts';
import { type JavaCourse, startJava } from './java-peer.ts';
import { javaSessions, plain, versions } from './java-sessions.ts';
import { parties } from './parties.ts';
import { withPeer } from './suite.ts';

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
    { ...plain, version, operation },
    { ...plain, version, operation, mode: 'sign' },
    { ...plain, version, operation, mode: 'sign-encrypt' },
    { ...plain, version, operation, mode: 'conversation' },
  ]),
);

await withPeer(
  'cxf',
  async () => {
    const [tls, messages] = await Promise.all([certificates(), parties()]);
    const keys = { messages, tls };
    return { keys, peer: await startJava('cxf', keys) };
  },
  ({ keys, peer }) => {
    afterAll(() => peer.stop());
    javaSessions(peer, keys, {
      name: 'cxf',
      courses: [...courses, ...submission],
      lossy,
      answersAgain: false,
      serversAtOnce: true,
      notCalling: (['request-reply', 'one-way'] as const).map((what) => [
        `${what} over HTTP, connections broken in the middle of an answer`,
        'CXF takes half an answer for an answer: its application gets "Error reading XMLStreamReader: closed", although the ' +
          'message is not acknowledged and is sent again (WS-RM 1.1 section 2.4, Protocol Invariants: it stays to be delivered)',
        'cxf-client-answer-cut',
      ]),
      not: [
        ...['answers lost on the way', 'connections broken in the middle of an answer'].map(
          (what) =>
            [
              `request-reply over HTTP, ${what}`,
              'CXF does not keep the answer for a client at the anonymous address: it acknowledges the repeated request, and the ' +
                'answer that was lost is lost (WS-RM leaves it open: section 2.4 wants the message delivered once, and says nothing of ' +
                'its reply)',
              'cxf-server-answer-lost',
            ] as const,
        ),
        [
          'request-reply, an operation answers with a fault',
          'CXF takes what its implementation throws for a delivery that failed: with in-order delivery it never processes, ' +
            'acknowledges or answers the next message of the sequence, although a fault is a reply like any other (WS-RM 1.1 section 2.2: it was ' +
            'delivered)',
          'cxf-server-fault',
        ],
      ],
    });
  },
);
