/** Eclipse Metro's WS-RM on the other end of the wire, in both directions; configured through WSDL with policies. */
import { afterAll } from 'vitest';
import { certificates } from './certificates.ts';
import { type JavaCourse, startJava } from './java-peer.ts';
import { javaSessions, plain, versions } from './java-sessions.ts';
import { parties } from './parties.ts';
import { withPeer } from './suite.ts';

const courses: readonly JavaCourse[] = versions.flatMap((version) =>
  (['echo', 'notify'] as const).flatMap((operation) => [
    { ...plain, version, operation },
    { ...plain, version, operation, soap: '1.1' },
    { ...plain, version, operation, size: 65_536 },
    { ...plain, version, operation, size: 1_048_576, messages: 3 },
    { ...plain, version, operation, messages: 100 },
    { ...plain, version, operation, secure: true },
    { ...plain, version, operation, secure: true, mode: 'username' },
    { ...plain, version, operation, mode: 'sign' },
    { ...plain, version, operation, mode: 'sign-encrypt' },
    { ...plain, version, operation, mode: 'mutual' },
    { ...plain, version, operation, mode: 'conversation' },
    { ...plain, version, operation, secure: true, mode: 'user-conversation' },
  ]),
);
const lossy: readonly JavaCourse[] = versions.flatMap((version) =>
  (['echo', 'notify'] as const).flatMap((operation) =>
    ([undefined, 'sign-encrypt', 'conversation'] as const).map((mode) => ({
      ...plain,
      version,
      operation,
      ...(mode !== undefined && { mode }),
    })),
  ),
);

const notCalling = (['request-reply', 'one-way'] as const).map(
  (what) =>
    [
      `${what} over HTTP, connections broken in the middle of an answer`,
      'Metro never sends again what half an answer came to: its call waits for ever, although the message is not acknowledged ' +
        '(WS-RM 1.1 section 2.4, Protocol Invariants: it stays to be delivered)',
      'metro-client-answer-cut',
    ] as const,
);

const not = [
  [
    'request-reply over HTTP, signed and encrypted under a secret (WSS 1.1), exchanges lost on the way',
    'Metro secures its answer to a repeated request under the EncryptedKey of the first one, and names it by EncryptedKeySHA1; the ' +
      'reply to a message is secured under the key of that message (WS-SecurityPolicy 1.3 section 7.4, WSS 1.1 section 7.7): use ' +
      'secure conversation, or mutual certificates of WSS 1.0',
    'metro-server-secret',
  ],
  [
    'request-reply, calls at the same time',
    'Metro answers a message that overtook another on its connection with a fault ("No registered fiber found"), and takes it only ' +
      'when it is sent again, seconds later (WS-RM 1.1 section 2.4: it may be held until its turn comes): make one call at a ' +
      'time, or use ordered: false',
    'metro-server-together',
  ],
] as const;

await withPeer(
  'metro',
  async () => {
    const [tls, messages] = await Promise.all([certificates(), parties()]);
    const keys = { messages, tls };
    return { keys, peer: await startJava('metro', keys) };
  },
  ({ keys, peer }) => {
    afterAll(() => peer.stop());
    javaSessions(peer, keys, {
      name: 'metro',
      courses,
      lossy,
      answersAgain: true,
      serversAtOnce: false,
      not,
      notCalling,
    });
  },
);
