/** How a session with a Java stack is protected: what our end does for each mode that the stack is asked for by name. */

import { secureConversation } from '../../src/conversation/element.ts';
import { type AlgorithmSuite, algorithmSuite, unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';
import { security } from '../../src/security/element.ts';
import { type SecurityPolicy, usernameOverTransport } from '../../src/security/policy.ts';
import { mutualCertificate } from '../../src/security/presets/for-certificate.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import { unsafeRsaSha1 } from '../../src/security/suites.ts';
import type { JavaCourse, JavaKeys, JavaStack } from './java-peer.ts';
import type { EndOptions } from './surewire-end.ts';
import { keyOf, signing } from './surewire-party.ts';

export type Mode = 'username' | 'sign' | 'sign-encrypt' | 'mutual' | 'conversation' | 'user-conversation';

export const protectionNames: Readonly<Record<Mode, string>> = {
  username: 'user name and password',
  sign: 'signed with X.509',
  'sign-encrypt': 'signed and encrypted',
  mutual: 'signed and encrypted under a secret (WSS 1.1)',
  conversation: 'secure conversation with derived keys',
  'user-conversation': 'user name, under a security context',
};

/** Metro signs with SHA-1, as WS-SecurityPolicy has it, whatever the suite; CXF's peer says its algorithms one by one. */
const suites: Readonly<Record<JavaStack, AlgorithmSuite>> = {
  metro: algorithmSuite('Basic256Sha256', { unsafe: [unsafeSuiteSha1], reading: 'as-written' }),
  cxf: algorithmSuite('Aes256GcmSha256'),
};

/** Message security of our end: as the party `own` towards the stack, which is the other. */
export function protectionOf(
  stack: JavaStack,
  { mode }: JavaCourse,
  own: 'client' | 'service',
  keys: JavaKeys,
): EndOptions {
  if (mode === undefined) return {};
  if (mode === 'user-conversation') {
    const bootstrap = policyOf(stack, 'username', own, keys);
    return { security: secureConversation({ bootstrap, suite: suites.metro }), namesContext: stack !== 'cxf' };
  }
  if (mode !== 'conversation') return { security: security(policyOf(stack, mode, own, keys)) };
  // Of policies, both have the suites of WS-SecurityPolicy only.
  const bootstrap = policyOf('metro', 'sign-encrypt', own, keys);
  // Of all that a policy with EncryptedParts asks, CXF lets messages of WS-ReliableMessaging out as little as any other; and it
  // does not understand UsesSequenceSTR.
  const cxf = stack === 'cxf';
  const more = { encryptSignature: false, encryptProtocol: cxf };
  return { security: secureConversation({ bootstrap, suite: suites.metro, ...more }), namesContext: !cxf };
}

function policyOf(
  stack: JavaStack,
  mode: Exclude<Mode, 'conversation' | 'user-conversation'>,
  own: 'client' | 'service',
  { messages: all }: JavaKeys,
): SecurityPolicy {
  const other = own === 'client' ? 'service' : 'client';
  const keys = { key: keyOf(all.of[own]), peer: all.of[other].certificate, suite: suites[stack] };
  switch (mode) {
    case 'username': {
      const passwords = { password: (user: string) => (user === 'alice' ? 'secret' : undefined) };
      const username = { user: 'alice', password: 'secret', form: 'text' } as const;
      return own === 'client' ? usernameOverTransport({ username }) : usernameOverTransport({ passwords });
    }
    case 'sign': {
      const { signatures, digests } = keys.suite.accepted;
      return signing(all, own, {
        ...(stack === 'metro' && { algorithm: unsafeRsaSha1, accept: { signatures, digests } }),
      });
    }
    case 'sign-encrypt':
      return mutualCertificateWss10(keys);
    case 'mutual':
      return mutualCertificate({ ...keys, confirmSignatures: false, derivedKeys: false });
    default:
      return mode satisfies never;
  }
}
