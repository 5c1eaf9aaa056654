/** How a session with a Java stack is protected: what our end does for each mode that the stack is asked for by name. */

import { secureConversation } from '../../src/conversation/element.ts';
import { type AlgorithmSuite, algorithmSuite, unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';
import { security } from '../../src/security/element.ts';
import { type SecurityPolicy, usernameOverTransport } from '../../src/security/policy.ts';
import { mutualCertificate } from '../../src/security/presets/for-certificate.ts';
import {
  type IssuedTokenOptions,
  issuedTokenForCertificate,
  issuedTokenOverTransport,
} from '../../src/security/presets/issued-token.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import { unsafeRsaSha1 } from '../../src/security/suites.ts';
import type { JavaCourse, JavaKeys, JavaStack } from './java-peer.ts';
import type { EndOptions } from './surewire-end.ts';
import { keyOf, signing } from './surewire-party.ts';
import type { TokenIssuer } from './token-issuer.ts';

/** With a token that a security token service has issued. */
type IssuedMode = 'issued' | 'issued-saml11' | 'issued-bearer' | 'issued-conversation' | 'issued-certificate';
export type Mode = 'username' | 'sign' | 'sign-encrypt' | 'mutual' | 'conversation' | 'user-conversation' | IssuedMode;

export const protectionNames: Readonly<Record<Mode, string>> = {
  username: 'user name and password',
  sign: 'signed with X.509',
  'sign-encrypt': 'signed and encrypted',
  mutual: 'signed and encrypted under a secret (WSS 1.1)',
  conversation: 'secure conversation with derived keys',
  'user-conversation': 'user name, under a security context',
  issued: 'SAML 2.0 token issued, its key endorses',
  'issued-saml11': 'SAML 1.1 token issued, its key endorses',
  'issued-bearer': 'SAML 2.0 token issued, for its bearer',
  'issued-conversation': 'SAML 2.0 token issued, under a security context',
  'issued-certificate': 'SAML 2.0 token issued, signed and encrypted under a secret',
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
  if (mode === 'user-conversation' || mode === 'issued-conversation') {
    const bootstrap = policyOf(stack, mode === 'user-conversation' ? 'username' : 'issued', own, keys);
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
  mode: Exclude<Mode, `${string}conversation`>,
  own: 'client' | 'service',
  { messages: all, issuer }: JavaKeys,
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
    case 'issued':
    case 'issued-saml11':
    case 'issued-bearer':
      return issuedTokenOverTransport({ ...issuedOf(mode, own, issuer), key: keys.key, suite: suites.metro });
    case 'issued-certificate':
      return issuedTokenForCertificate({
        ...issuedOf(mode, own, issuer),
        ...keys,
        suite: suites.metro,
        confirmSignatures: false,
        derivedKeys: false,
        encryptSignature: false,
        encryptProtocol: stack === 'cxf',
      });
    default:
      return mode satisfies never;
  }
}

/** The token of a client, or what a service takes of tokens. */
function issuedOf(mode: IssuedMode, own: 'client' | 'service', issuer: TokenIssuer | undefined): IssuedTokenOptions {
  if (issuer === undefined) throw new Error('There is no token service.');
  const confirmation = mode === 'issued-bearer' ? 'bearer' : 'holder-of-key';
  if (own === 'service') return { saml: issuer.saml, confirmation };
  const tokenType = mode === 'issued-saml11' ? 'saml11' : 'saml20';
  const keyKind = confirmation === 'bearer' ? 'bearer' : 'symmetric';
  return { token: issuer.tokens({ tokenType, keyKind }), confirmation };
}
