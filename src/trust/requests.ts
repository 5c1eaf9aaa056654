/**
 * wst:RequestSecurityToken (WS-Trust 1.3 sections 3 to 7; ActAs of 1.4), written in the order that WCF and CXF have and read by name.
 * Of what a request may say, this room reads what it answers to; the rest is a wish, which a token service need not fulfil.
 */
import type { KeyObject } from 'node:crypto';
import type { Instant } from '../base/clock.ts';
import type { Certificate } from '../security/certificates.ts';
import { ds, wsu } from '../security/names.ts';
import { readTime, writeTime } from '../security/timestamp.ts';
import { publicKeyOf } from '../security/tokens/key-info.ts';
import { writeKeyInfo } from '../security/tokens/saml-write.ts';
import { addressing200508 } from '../soap/addressing-versions.ts';
import { readEndpointReference } from '../soap/endpoint-reference.ts';
import type { XmlElement } from '../xml/document.ts';
import { child, childrenOf, onlyChild, onlyText, requiredChild } from '../xml/find.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { TrustError } from './errors.ts';
import { trustLimits } from './limits.ts';
import { identity, wsp, wsp15, wst14 } from './names.ts';
import { secretIn, writeSecret } from './secrets.ts';
import type { KeyKind, TrustOperation, TrustVersion } from './versions/version.ts';

export interface ClaimWish {
  /** The claim type. */
  readonly uri: string;
  /** Whether a token without it is of use. */
  readonly optional: boolean;
}

/** What a request asks for. */
export interface TokenRequest {
  readonly operation: TrustOperation;
  /** TokenType as it stands in the request. */
  readonly tokenType: string | undefined;
  /** The address of the service that the token is for. */
  readonly appliesTo: string | undefined;
  readonly keyKind: KeyKind | undefined;
  /** Bits. */
  readonly keySize: number | undefined;
  readonly entropy: Uint8Array | undefined;
  /** The requester's own key that a token is to carry; for `public`. */
  readonly useKey: Certificate | KeyObject | undefined;
  readonly claims: readonly ClaimWish[];
  readonly lifetime: { readonly created: Instant | undefined; readonly expires: Instant | undefined } | undefined;
  /** Somebody's token: the requester asks in the name of its subject, and nobody else shows. */
  readonly onBehalfOf: XmlFragment | undefined;
  /** Somebody's token: the requester asks for itself and this subject together. */
  readonly actAs: XmlFragment | undefined;
  /** The token that is renewed, validated or cancelled, or a reference to it. */
  readonly target: XmlFragment | undefined;
  /** Echoed in the answer. */
  readonly context: string | undefined;
}

/** What of a request there is to say beside the operation. */
export type TokenWishes = Partial<Omit<TokenRequest, 'operation'>>;

export function writeTokenRequest(version: TrustVersion, operation: TrustOperation, wishes: TokenWishes): XmlFragment {
  const { namespace } = version;
  const { tokenType, appliesTo, keyKind, keySize, entropy, useKey, claims = [], lifetime } = wishes;
  const writer = new XmlWriter().start(namespace, 'RequestSecurityToken', 'wst');
  if (wishes.context !== undefined) writer.attribute('', 'Context', wishes.context);
  writer.element(namespace, 'RequestType', version.requestTypes[operation], 'wst');
  if (tokenType !== undefined) writer.element(namespace, 'TokenType', tokenType, 'wst');
  if (appliesTo !== undefined) {
    const wsa = addressing200508.namespace;
    writer.start(wsp, 'AppliesTo', 'wsp').start(wsa, 'EndpointReference', 'a');
    writer.element(wsa, 'Address', appliesTo, 'a').end().end();
  }
  if (claims.length > 0) {
    writer.start(namespace, 'Claims', 'wst').attribute('', 'Dialect', identity);
    for (const { uri, optional } of claims) {
      writer
        .start(identity, 'ClaimType', 'ic')
        .attribute('', 'Uri', uri)
        .attribute('', 'Optional', String(optional))
        .end();
    }
    writer.end();
  }
  if (lifetime !== undefined) writeLifetime(writer, version, lifetime);
  if (entropy !== undefined) {
    writer.start(namespace, 'Entropy', 'wst');
    writeSecret(writer, version, version.secrets.nonce, entropy);
    writer.end();
  }
  if (keyKind !== undefined) writer.element(namespace, 'KeyType', version.keyTypes[keyKind], 'wst');
  if (keySize !== undefined) writer.element(namespace, 'KeySize', String(keySize), 'wst');
  if (entropy !== undefined) writer.element(namespace, 'ComputedKeyAlgorithm', version.computedKey, 'wst');
  if (useKey !== undefined) writeUseKey(writer, version, useKey);
  if (wishes.onBehalfOf !== undefined) wrapped(writer, namespace, 'OnBehalfOf', 'wst', wishes.onBehalfOf);
  if (wishes.actAs !== undefined) wrapped(writer, wst14, 'ActAs', 'wst14', wishes.actAs);
  if (wishes.target !== undefined) wrapped(writer, namespace, targets[operation], 'wst', wishes.target);
  return writer.end().finish();
}

/**
 * @param operation what the action of the message says; the body has to say the same
 * @throws TrustError `TRUST_MALFORMED`, `TRUST_UNSUPPORTED`; XmlError `XML_UNEXPECTED`; SoapError `SOAP_ADDRESSING`; SecurityError for
 *   keys and times
 */
export function readTokenRequest(
  version: TrustVersion,
  operation: TrustOperation,
  element: XmlElement | undefined,
): TokenRequest {
  const { namespace } = version;
  if (!element?.is(namespace, 'RequestSecurityToken')) {
    throw malformed('A RequestSecurityToken of the version of its action is expected.');
  }
  if (text(element, namespace, 'RequestType') !== version.requestTypes[operation]) {
    throw malformed('The request asks for another thing than its action says.');
  }
  const entropy = child(element, namespace, 'Entropy');
  // What the client found in the policy of the service that the token is for, and did not say by itself (section 3.1).
  const relayed = child(element, namespace, 'SecondaryParameters');
  const saying = (local: string): XmlElement =>
    relayed !== undefined && child(element, namespace, local) === undefined ? relayed : element;
  const target = operation === 'issue' ? undefined : requiredChild(element, namespace, targets[operation]);
  const [onBehalfOf, actAs] = [child(element, namespace, 'OnBehalfOf'), child(element, wst14, 'ActAs')];
  return {
    operation,
    tokenType: text(saying('TokenType'), namespace, 'TokenType'),
    appliesTo: readAppliesTo(element),
    keyKind: readKeyKind(version, saying('KeyType')),
    keySize: readKeySize(saying('KeySize'), namespace),
    entropy: entropy && requiredSecret(entropy, version),
    useKey: readUseKey(element, namespace),
    claims: readClaims(saying('Claims'), namespace),
    lifetime: readLifetime(element, namespace),
    onBehalfOf: onBehalfOf && XmlFragment.of(onlyChild(onBehalfOf)),
    actAs: actAs && XmlFragment.of(onlyChild(actAs)),
    target: target && XmlFragment.of(onlyChild(target)),
    context: element.attribute('Context'),
  };
}

export function writeLifetime(
  writer: XmlWriter,
  { namespace }: TrustVersion,
  { created, expires }: { readonly created?: Instant | undefined; readonly expires?: Instant | undefined },
): void {
  writer.start(namespace, 'Lifetime', 'wst');
  if (created !== undefined) writer.element(wsu, 'Created', writeTime(created), 'wsu');
  if (expires !== undefined) writer.element(wsu, 'Expires', writeTime(expires), 'wsu');
  writer.end();
}

/** @throws TrustError `TRUST_MALFORMED` when it ends before it begins */
export function readLifetime(of: XmlElement, namespace: string): TokenRequest['lifetime'] {
  const found = child(of, namespace, 'Lifetime');
  if (found === undefined) return undefined;
  const [created, expires] = ['Created', 'Expires'].map((local) => {
    const element = child(found, wsu, local);
    return element && readTime(element);
  });
  if (created !== undefined && expires !== undefined && expires <= created) {
    throw malformed('A Lifetime ends before it begins.');
  }
  return { created, expires };
}

const targets: Readonly<Record<TrustOperation, string>> = Object.freeze({
  issue: '',
  renew: 'RenewTarget',
  validate: 'ValidateTarget',
  cancel: 'CancelTarget',
});

function wrapped(writer: XmlWriter, namespace: string, local: string, prefix: string, inside: XmlFragment): void {
  writer.start(namespace, local, prefix).fragment(inside).end();
}

function writeUseKey(writer: XmlWriter, { namespace }: TrustVersion, key: Certificate | KeyObject): void {
  writer.start(namespace, 'UseKey', 'wst');
  writeKeyInfo(writer, key);
  writer.end();
}

function readUseKey(of: XmlElement, namespace: string): TokenRequest['useKey'] {
  const use = child(of, namespace, 'UseKey');
  if (use === undefined) return undefined;
  const found = publicKeyOf(requiredChild(use, ds, 'KeyInfo'), []);
  if (found === undefined) throw new TrustError('TRUST_UNSUPPORTED', 'UseKey holds no key in a form that is known.');
  return found.certificate ?? found.key;
}

/** WCF says PublicKey with an empty UseKey never; a request that names no kind wants whatever the service gives. */
function readKeyKind({ namespace, keyTypes }: TrustVersion, of: XmlElement): KeyKind | undefined {
  const named = text(of, namespace, 'KeyType');
  if (named === undefined) return undefined;
  const kind = (['symmetric', 'public', 'bearer'] as const).find((one) => keyTypes[one] === named);
  if (kind !== undefined) return kind;
  throw new TrustError('TRUST_UNSUPPORTED', 'The request asks for a kind of key that is not known.');
}

function readKeySize(of: XmlElement, namespace: string): number | undefined {
  const size = text(of, namespace, 'KeySize');
  if (size === undefined) return undefined;
  if (!/^\d{1,5}$/.test(size)) throw malformed('KeySize is not a number.');
  return Number(size);
}

function readAppliesTo(of: XmlElement): string | undefined {
  const found = child(of, wsp, 'AppliesTo') ?? child(of, wsp15, 'AppliesTo');
  return found && readEndpointReference(onlyChild(found)).address;
}

function readClaims(of: XmlElement, namespace: string): readonly ClaimWish[] {
  const claims = child(of, namespace, 'Claims');
  if (claims === undefined) return [];
  const types = childrenOf(claims, identity, 'ClaimType');
  if (types.length > trustLimits.claims) throw malformed('The request asks for too many claims.');
  return types.map((one) => ({ uri: one.attribute('Uri') ?? '', optional: one.attribute('Optional') === 'true' }));
}

/** @throws TrustError `TRUST_MALFORMED` for entropy that is encrypted or no secret */
function requiredSecret(of: XmlElement, version: TrustVersion): Uint8Array {
  const secret = secretIn(of, version);
  if (secret === undefined) throw new TrustError('TRUST_UNSUPPORTED', 'Entropy is taken as BinarySecret only.');
  return secret;
}

function text(of: XmlElement, namespace: string, local: string): string | undefined {
  const found = child(of, namespace, local);
  return found && onlyText(found).trim();
}

function malformed(what: string): TrustError {
  return new TrustError('TRUST_MALFORMED', what);
}
