/**
 * What verification returns, instead of a boolean: who, which parts, with which algorithms. The one file of the security
 * room that the layers above may know.
 */
import type { Instant } from '../base/clock.ts';
import { type ContextKey, contextKey, type Delivery } from '../channel/delivery.ts';
import { peer } from '../channel/transport.ts';
import type { XmlElement } from '../xml/document.ts';
import { child } from '../xml/find.ts';
import { wsse } from './names.ts';
import type { Claims } from './tokens/claims.ts';

/** A part of a message by its expanded name, `{namespace}local`. */
export type Part = `{${string}}${string}`;

/** The part of that name. Every message has the same few, and each is made once. */
export function partNamed(namespace: string, local: string): Part {
  const same = parts.get(local);
  const known = same?.find((part) => part.namespace === namespace);
  if (known !== undefined) return known.name;
  const name: Part = `{${namespace}}${local}`;
  if (name.length > longestKept) return name;
  if (same === undefined && parts.size >= partsKept) parts.clear();
  // Of a local name there are few namespaces where nobody makes them up.
  parts.set(local, [...(same ?? []).slice(-3), { namespace, name }]);
  return name;
}

const parts = new Map<string, readonly { readonly namespace: string; readonly name: Part }[]>();
const partsKept = 256;
const longestKept = 512;

export interface Signer {
  readonly kind: 'x509' | 'username' | 'saml' | 'jwt' | 'context';
  /** Stable and comparable: the same identity always has the same text, two identities never share one. */
  readonly identity: string;
  /** For people: the certificate's subject, or the user's name. */
  readonly name: string;
  /** DER of the signer's certificate, for `x509`. */
  readonly certificate?: Uint8Array;
}

/**
 * What whoever has a security context has proven since it was issued, and what has been added to it (WS-SecureConversation 1.3, section
 * 4). It says more of them; it does not make them somebody else.
 */
export interface AddedEvidence extends Pick<Evidence, 'signers' | 'user' | 'claims' | 'until'> {}

export interface Evidence {
  /** Who signed; absent when no signature was required and none was there. */
  readonly signer: Signer | undefined;
  /** Everybody who signed the Body or endorsed its signature (over TLS: the Timestamp), `signer` first. */
  readonly signers: readonly Signer[];
  /** The user that a UsernameToken named and whose password was right, or the subject of an assertion. */
  readonly user: Signer | undefined;
  /** What a token's issuer says of its subject. */
  readonly claims?: Claims | undefined;
  /** When the certificates and tokens that prove this stop being good; absent where none of them says so. */
  readonly until?: Instant | undefined;
  /** What was added to the security context that secured the message, in order; absent where nothing was. */
  readonly added?: readonly AddedEvidence[] | undefined;
  /** The security context that secured the message (WS-SecureConversation): its Identifier, and the type of its token. */
  readonly context?: { readonly identifier: string; readonly tokenType: string } | undefined;
  readonly signed: ReadonlySet<Part>;
  readonly encrypted: ReadonlySet<Part>;
  /** URIs of every algorithm that was used. */
  readonly algorithms: readonly string[];
  /** When the message says that it was made and when it goes stale. */
  readonly created: Instant | undefined;
  readonly expires: Instant | undefined;
}

/** Left by the security element on every delivery that it let through. */
export const evidence: ContextKey<Evidence | undefined> = contextKey<Evidence | undefined>('evidence', undefined);

/** Whether a wsse:SecurityTokenReference in the message names the token that signed it; left beside the evidence. */
export const naming: ContextKey<((reference: XmlElement) => boolean) | undefined> = contextKey<
  ((reference: XmlElement) => boolean) | undefined
>('naming', undefined);

/** The wsse:SecurityTokenReference among the children of an element. */
export function tokenReferenceIn(of: XmlElement): XmlElement | undefined {
  return child(of, wsse, 'SecurityTokenReference');
}

/**
 * Whether a wsse:SecurityTokenReference names the token that a delivery was signed with, and whoever that is can be told from others: a
 * security context by its Identifier, whichever of its keys that was, and every token by a reference inside the message or by
 * what it is (thumbprint, issuer and serial number, key identifier).
 */
export function namesSignerOf(reference: XmlElement, delivery: Delivery): boolean {
  if (namesContextOf(reference, delivery)) return true;
  return delivery.get(naming)?.(reference) === true && identityOf(delivery) !== anonymous;
}

function namesContextOf(reference: XmlElement, delivery: Delivery): boolean {
  const context = delivery.get(evidence)?.context;
  const [target, second] = reference.children;
  if (context === undefined || second !== undefined || !target?.is(wsse, 'Reference')) return false;
  const valueType = target.attribute('ValueType');
  const fits = valueType === undefined || valueType === context.tokenType;
  return fits && target.attribute('URI') === context.identifier;
}

/** The identity of whoever protected no part of a message. */
export const anonymous = 'anonymous';

/**
 * What TLS proves of the session that a delivery came through: the client's certificate, else the connection itself (RFC 9266);
 * `undefined` without TLS, and where the connection has nothing of its own.
 */
function tlsSessionOf(delivery: Delivery): string | undefined {
  const { fingerprint, exporter } = delivery.get(peer) ?? {};
  if (fingerprint !== undefined) return `certificate:${fingerprint}`;
  return exporter === undefined ? undefined : `exporter:${exporter}`;
}

/** The identity of whoever a delivery comes from, in one TLS session and in no other. */
export function identityInTls(delivery: Delivery): string | undefined {
  const session = tlsSessionOf(delivery);
  if (session === undefined) return undefined;
  const identity = identityOf(delivery);
  return `in-tls:${identity.length}:${identity}:${session}`;
}

/** All that a delivery may speak for: whoever it comes from in this TLS session, and whoever that is. */
export function identitiesOf(delivery: Delivery): readonly string[] {
  const inTls = identityInTls(delivery);
  return inTls === undefined ? [identityOf(delivery)] : [inTls, identityOf(delivery)];
}

/** Who a delivery comes from: its signer, else its user, else the certificate that TLS proved, else `anonymous`. */
export function identityOf(delivery: Delivery): string {
  const found = delivery.get(evidence);
  const proven = found?.signer?.identity ?? found?.user?.identity;
  if (proven !== undefined) return proven;
  const fingerprint = delivery.get(peer)?.fingerprint;
  return fingerprint === undefined ? anonymous : `tls:${fingerprint}`;
}
