/** What the bindings of WS-SecurityPolicy have in common (section 6.7 …), and the options of WS-Security and WS-Trust (9, 10). */
import type { ProtectionOrderName } from '../binding/description.ts';
import { contradiction, type Demands, notSpoken } from './demands.ts';
import { sp11 } from './namespaces.ts';
import type { PolicyAssertion } from './policy.ts';
import { sp } from './token-reader.ts';

export interface Common {
  readonly policy: '1.1' | '1.2';
  readonly suite: string;
  readonly layout: 'Strict' | 'Lax';
  readonly timestamp: boolean;
  readonly order: ProtectionOrderName;
  readonly protectTokens: boolean;
}

/** Properties that all bindings have (WS-SecurityPolicy 1.3 section 6). */
export function readCommon(inside: Demands, binding: PolicyAssertion): Common {
  const held = inside.take(sp, 'AlgorithmSuite');
  const suites = held?.nested ?? [];
  const [suite, other] = suites;
  if (held === undefined || suite === undefined) throw notSpoken(held ?? binding, 'it names no AlgorithmSuite');
  if (other !== undefined) throw notSpoken(other, 'an AlgorithmSuite is one name; canonicalization is exclusive');
  const layout = inside.take(sp, 'Layout')?.nested?.[0]?.element.local ?? 'Lax';
  const encryptsFirst = inside.has(sp, 'EncryptBeforeSigning');
  const hidesSignature = inside.take(sp, 'EncryptSignature');
  if (encryptsFirst && hidesSignature !== undefined)
    throw notSpoken(hidesSignature, 'after encryption there is nothing left to hide it with');
  // Whole headers and bodies are signed here, whether that is demanded or not.
  inside.has(sp, 'OnlySignEntireHeadersAndBody');
  return {
    policy: binding.element.namespace === sp11 ? '1.1' : '1.2',
    suite: suite.element.local,
    layout: layout === 'Strict' ? 'Strict' : 'Lax',
    timestamp: inside.has(sp, 'IncludeTimestamp'),
    order: encryptsFirst
      ? 'EncryptBeforeSign'
      : hidesSignature === undefined
        ? 'SignBeforeEncrypt'
        : 'SignBeforeEncryptAndEncryptSignature',
    protectTokens: inside.has(sp, 'ProtectTokens'),
  };
}

export interface Options {
  readonly wss: '1.0' | '1.1' | undefined;
  readonly confirms: boolean;
}

/** Wss10, Wss11, Trust10, Trust13 (sections 9 and 10). */
export function readOptions(demands: Demands): Options {
  const older = demands.take(sp, 'Wss10');
  const newer = demands.take(sp, 'Wss11');
  if (older !== undefined && newer !== undefined)
    throw contradiction(older, newer, 'they are two versions of WS-Security');
  const wss = newer ?? older;
  let confirms = false;
  if (wss !== undefined) {
    const inside = demands.within(wss);
    confirms = inside.has(sp, 'RequireSignatureConfirmation');
    inside.has(
      sp,
      'MustSupportRefKeyIdentifier',
      'MustSupportRefIssuerSerial',
      'MustSupportRefExternalURI',
      'MustSupportRefEmbeddedToken',
      'MustSupportRefThumbprint',
      'MustSupportRefEncryptedKey',
    );
    inside.finish();
  }
  for (const local of ['Trust10', 'Trust13']) {
    const trust = demands.take(sp, local);
    if (trust === undefined) continue;
    const inside = demands.within(trust);
    inside.has(
      sp,
      'MustSupportIssuedTokens',
      'RequireClientEntropy',
      'RequireServerEntropy',
      'MustSupportClientChallenge',
      'MustSupportServerChallenge',
    );
    inside.has(sp, 'RequireRequestSecurityTokenCollection', 'RequireAppliesTo');
    inside.finish();
  }
  return { wss: newer !== undefined ? '1.1' : older === undefined ? undefined : '1.0', confirms };
}
