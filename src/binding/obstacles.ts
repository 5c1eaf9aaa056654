/** What a description says and surewire does not speak: asked before a binding is made, and told by `inspect`. */
import type { BindingDescription, SecurityDescription } from './description.ts';
import { authenticationModes, isAsymmetric } from './modes.ts';

/** @returns a sentence for each, with what to use in its place; empty when the binding can be made */
export function obstacles({ transport, encoding, reliableSession, security }: BindingDescription): readonly string[] {
  const found: string[] = [];
  if (security !== undefined && isDuplex(transport.kind) && needsExchange(security)) {
    found.push(
      `${security.mode} answers under the key of a question, and over ${transport.kind === 'dual' ? 'two connections' : 'WebSocket'} both ends send unasked. ` +
        'Use SecureConversation, which has one secret for both ways, certificates of both ends (MutualCertificate of WSS 1.0), or ws2007Http.',
    );
  }
  if (
    transport.kind === 'dual' &&
    security !== undefined &&
    authenticationModes[security.mode].binding === 'transport'
  ) {
    found.push(
      `Over two connections anybody can connect to the client, and ${security.mode} leaves it to TLS to say that the service speaks. ` +
        'Use SecureConversation with a bootstrap that has message security, MutualCertificate of WSS 1.0, or WebSocket.',
    );
  }
  const first = security?.mode === 'SecureConversation' ? security.bootstrap : undefined;
  if (transport.kind === 'dual' && first !== undefined && authenticationModes[first.mode].binding === 'transport') {
    found.push(
      'Over TLS a security context signs what the client says and not what the service says, and over two connections anybody can connect to the client. ' +
        'Use a secureConversationBootstrap with message security (AnonymousForCertificate, UserNameForCertificate, …), or WebSocket.',
    );
  }
  if (encoding.kind !== 'Text') {
    found.push(`Messages are not written as ${encoding.kind}. Set messageEncoding: 'Text' at both ends.`);
  }
  if (security?.mode === 'SecureConversation' && !security.requireCancellation && reliableSession !== undefined) {
    found.push(
      'A reliable session belongs to its security context, and one that is never cancelled is not renewed: another takes its place. ' +
        'Set requireSecurityContextCancellation to true at both ends.',
    );
  }
  for (let one = security; one !== undefined; one = one.bootstrap) {
    const { instead } = authenticationModes[one.mode];
    if (
      one.protection === 'Sign' &&
      authenticationModes[one.mode].binding !== 'transport' &&
      !isAsymmetric(one.mode, one.versions)
    ) {
      found.push(`${one.mode} always encrypts. Use protection level EncryptAndSign, or MutualCertificate of WSS 1.0.`);
    }
    if (instead !== undefined) found.push(`The authentication mode ${one.mode} is not spoken. ${instead}`);
  }
  return found;
}

function isDuplex(kind: BindingDescription['transport']['kind']): boolean {
  return kind === 'dual' || kind === 'websocket';
}

/** Whether what one end sends is secured by something that the other end sent before. */
function needsExchange({ mode, versions }: SecurityDescription): boolean {
  return authenticationModes[mode].binding === 'symmetric' && !isAsymmetric(mode, versions);
}
