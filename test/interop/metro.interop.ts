/** Eclipse Metro's WS-RM on the other end of the wire, in both directions; configured through WSDL with policies. */
import { afterAll } from 'vitest';
import { certificates } from './certificates.ts';
import { plain, versions } from './course.ts';
import { type JavaCourse, startJava } from './java-peer.ts';
import { hops, javaSessions, named, over } from './java-sessions.ts';
import { parties } from './parties.ts';
import { withPeer } from './suite.ts';
import { tokenIssuer } from './token-issuer.ts';

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
    ...(['issued', 'issued-saml11', 'issued-bearer', 'issued-conversation'] as const).map((mode) => ({
      ...plain,
      ...{ version, operation, secure: true, mode },
    })),
    { ...plain, version, operation, mode: 'issued-certificate' },
  ]),
);
const lossy: readonly JavaCourse[] = versions.flatMap((version) =>
  (['echo', 'notify'] as const).flatMap((operation) => [
    ...hops.map((hop) => ({ ...plain, version, operation, ...hop })),
    { ...plain, version, operation, mode: 'sign-encrypt' },
    { ...plain, version, operation, mode: 'conversation' },
    { ...plain, version, operation, secure: true, mode: 'issued' },
    { ...plain, version, operation, secure: true, mode: 'issued-conversation' },
  ]),
);

/** Servers of Metro in one process mix up their sequences. */
const SERVERS = 3;

/** What Metro's client does not do for messages of WS-ReliableMessaging: it takes them for no operation, and asks for no token. */
const tokenless = (
  [
    ['issued', true],
    ['issued-saml11', true],
    ['issued-bearer', true],
    ['issued-certificate', false],
  ] as const
).flatMap(([mode, secure]) =>
  (['echo', 'notify'] as const).map(
    (operation) => [named({ ...plain, operation, secure, mode }), 'metro-client-issued'] as const,
  ),
);

const notCalling = [
  ...tokenless,
  ...over(['echo', 'notify'], 'connections broken in the middle of an answer', 'metro-client-answer-cut'),
  ['one-way, closed with messages in flight', 'metro-client-in-flight'] as const,
];

const not = [
  [
    'request-reply over HTTP, signed and encrypted under a secret (WSS 1.1), exchanges lost on the way',
    'metro-server-secret',
  ],
  ['request-reply, calls at the same time', 'metro-server-together'],
] as const;

await withPeer(
  'metro',
  async () => {
    const [tls, messages] = await Promise.all([certificates(), parties()]);
    const issuer = await tokenIssuer(messages, tls);
    const keys = { messages, tls, issuer };
    return { keys, peer: await startJava('metro', keys, SERVERS) };
  },
  ({ keys, peer }) => {
    afterAll(() => Promise.all([peer.stop(), keys.issuer.close()]));
    javaSessions(peer, keys, {
      name: 'metro',
      courses,
      lossy,
      answersAgain: true,
      not,
      notCalling,
    });
  },
);
