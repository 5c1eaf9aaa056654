/** Who endorses a message beside its signature: a certificate, the key of a password or of an issued token, a security context. */
import { KeyObject } from 'node:crypto';
import { SecurityError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { withoutDs } from './header.ts';
import type { Issued } from './issued-token.ts';
import { contextReference, type NamedKey } from './keying.ts';
import type { PasswordKeying } from './password-key.ts';
import type { OutboundPolicy, SecretSignature, SignatureProduction } from './protection.ts';
import { type Token, under } from './sign.ts';

/** Who endorses, and what names the key. */
export interface Endorser {
  readonly signature: SignatureProduction;
  readonly token: Token | undefined;
  readonly signing: NamedKey | undefined;
  /** The token of the security context that endorses, where one does. */
  readonly context?: readonly string[];
}

function contextEndorser(
  { algorithm, digest }: Pick<SecretSignature, 'algorithm' | 'digest'>,
  exchange: Exchange | undefined,
): Endorser {
  const context = exchange?.context;
  if (context === undefined) throw new SecurityError('SECURITY_POLICY', 'There is no security context to sign with.');
  const { included, reference } = contextReference(context, true);
  const signing = { key: context.key, reference: withoutDs(reference()) };
  return { signature: { kind: 'secret', algorithm, digest }, token: undefined, signing, context: included };
}

export function contextTokens(endorsers: readonly Endorser[]): readonly string[] {
  return endorsers.flatMap(({ context }) => context ?? []);
}

/** What there may be to endorse with. */
interface Means {
  /** Of the certificate that endorses. */
  readonly token: Token | undefined;
  readonly issued: Issued | undefined;
  readonly password: PasswordKeying | undefined;
  readonly exchange: Exchange | undefined;
}

/**
 * Everybody who endorses, in the order of the header.
 *
 * @throws SecurityError `SECURITY_POLICY` where the key of the issued token, or the context, is not there
 */
export function endorsersOf({ endorsement, context }: OutboundPolicy, means: Means): readonly Endorser[] {
  const own = endorsement && endorserOf(endorsement, means);
  const endorsers = own === undefined ? [] : [own];
  return context === undefined ? endorsers : [...endorsers, contextEndorser(context, means.exchange)];
}

/** The certificate of the policy, the key of the password, or that of the issued token. */
function endorserOf(
  endorsement: NonNullable<OutboundPolicy['endorsement']>,
  { token, issued, password }: Means,
): Endorser {
  if (endorsement.kind === 'password') {
    const [signature, { signing }] = under(endorsement, password);
    return { signature, token: undefined, signing };
  }
  if (endorsement.kind === 'certificate') {
    return { signature: endorsement, token, signing: undefined };
  }
  const { digest, symmetricSignature, asymmetricSignature } = endorsement.suite;
  const { proof, reference } = issued ?? {};
  if (reference === undefined || proof === undefined) {
    throw new SecurityError(
      'SECURITY_POLICY',
      'The issued token has no key to endorse with: bearer tokens go with `confirmation: bearer`.',
    );
  }
  if (proof instanceof KeyObject) {
    const signature = { kind: 'secret', algorithm: symmetricSignature, digest } as const;
    return { signature, token: undefined, signing: { key: proof, reference: withoutDs(reference) } };
  }
  const algorithm = asymmetricSignature[proof.algorithm.family];
  if (algorithm === undefined) {
    throw new SecurityError('SECURITY_POLICY', 'The suite does not sign with the key of the issued token.');
  }
  const signature = {
    kind: 'certificate',
    key: proof,
    algorithm,
    digest,
    reference: 'direct',
    token: false,
  } as const;
  const named = { included: '', signed: [], reference: withoutDs(reference) };
  return { signature, token: named, signing: undefined };
}
