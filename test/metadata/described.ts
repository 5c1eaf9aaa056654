/** Descriptions that policies are written from: every spoken mode, in every version. */
import { type CustomElement, describeCustom, type SecuritySettings } from '../../src/binding/custom.ts';
import type { BindingDescription } from '../../src/binding/description.ts';
import { authenticationModes } from '../../src/binding/modes.ts';
import type { AuthenticationModeName } from '../../src/binding/names.ts';
import { type MessageSecurityVersion, messageSecurityVersions } from '../../src/binding/security-versions.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';

export const spoken: readonly AuthenticationModeName[] = (
  Object.keys(authenticationModes) as AuthenticationModeName[]
).filter((mode) => authenticationModes[mode].instead === undefined && mode !== 'SecureConversation');
export const versions: readonly MessageSecurityVersion[] = [
  ...new Map(messageSecurityVersions.map((one) => [`${one.wss} ${one.policy}`, one])).values(),
];

/** A security above HTTP, with TLS or without. */
export function elements(
  security: SecuritySettings & { secureConversationBootstrap?: SecuritySettings },
  tls: boolean,
): readonly CustomElement[] {
  return [{ kind: 'security', ...security }, { kind: tls ? 'httpsTransport' : 'httpTransport' }];
}

/** A mode by itself, and as what asks for a security context. */
export function cases(mode: AuthenticationModeName, version: MessageSecurityVersion): readonly BindingDescription[] {
  const tls = authenticationModes[mode].binding === 'transport';
  const first: SecuritySettings = {
    authenticationMode: mode,
    messageSecurityVersion: version,
    defaultAlgorithmSuite: 'Basic256Sha256',
  };
  const context = {
    authenticationMode: 'SecureConversation',
    messageSecurityVersion: version,
    secureConversationBootstrap: first,
  } as const;
  return [
    describeCustom(elements(first, tls)),
    describeCustom(
      elements({ ...first, messageProtectionOrder: 'EncryptBeforeSign', securityHeaderLayout: 'Lax' }, tls),
    ),
    describeCustom(elements(context, tls)),
    ...(mode === 'MutualCertificate' ? [describeCustom(elements({ ...first, protectionLevel: 'Sign' }, tls))] : []),
    describeCustom([
      {
        kind: 'reliableSession',
        version: version.policy === '1.2' ? reliable200702 : reliable200502,
        inactivityTimeout: 120_000,
      },
      ...elements(context, tls),
    ]),
  ];
}
