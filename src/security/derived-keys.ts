/**
 * wsc:DerivedKeyToken of WS-SecureConversation 2005/02 and 1.3 (section 7.1): keys for one purpose each, made of a secret that
 * both ends have and a nonce that stands in the message. Every number in it is bounded before anything is computed.
 */
import { base64, concat, fromBase64, utf8 } from '../base/bytes.ts';
import type { XmlElement } from '../xml/document.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { pSha1 } from './crypto.ts';
import { SecurityError } from './errors.ts';
import { conversationNamespaces, wsse, wsu } from './names.ts';
import { allowedAttribute, octetsOf, plainText } from './values.ts';

/** Which octets of the stream of a secret are the key. */
export interface Derivation {
  readonly nonce: Uint8Array;
  /** Octets. */
  readonly offset: number;
  /** Octets. */
  readonly length: number;
  readonly label: string;
}

export interface DerivedKeyToken extends Derivation {
  readonly id: string | undefined;
  /** What the key is derived of; absent where the context is that of the whole message. */
  readonly source: XmlElement | undefined;
}

/** The labels of client and service, one after the other, each with its default. */
export const derivationLabel = 'WS-SecureConversationWS-SecureConversation';

/** As WCF bounds them; a key is one of AES or HMAC. */
const derivationLimits: Readonly<Record<'label' | 'nonce' | 'offset' | 'shortest' | 'longest', number>> = Object.freeze(
  { label: 128, nonce: 128, offset: 64, shortest: 16, longest: 64 },
);

/** Octets of nonce in what is written. */
export const derivationNonce = 16;

/** The key of a derivation. */
export function deriveKey(secret: Uint8Array, { label, nonce, length, offset }: Derivation): Uint8Array {
  return pSha1(secret, concat([utf8(label), nonce]), length, offset);
}

/** Whether an element is a DerivedKeyToken of either version. */
export function isDerivedKeyToken(element: XmlElement): boolean {
  return element.local === 'DerivedKeyToken' && conversationNamespaces.includes(element.namespace);
}

/**
 * Reads a DerivedKeyToken: SecurityTokenReference?, (Generation | Offset)?, Length?, Label?, Nonce, in this order.
 *
 * @throws SecurityError `SECURITY_MALFORMED`, `SECURITY_LIMIT`
 */
export function readDerivedKeyToken(element: XmlElement): DerivedKeyToken {
  const { namespace, children } = element;
  if (element.attribute('Algorithm') !== undefined) allowedAttribute(element, 'Algorithm', `${namespace}/dk/p_sha1`);
  let at = 0;
  const next = (wanted: string, local: string): XmlElement | undefined => {
    const candidate = children[at];
    if (!candidate?.is(wanted, local)) return undefined;
    at++;
    return candidate;
  };
  const source = next(wsse, 'SecurityTokenReference');
  const generation = next(namespace, 'Generation');
  const offset = generation === undefined ? next(namespace, 'Offset') : undefined;
  const length = next(namespace, 'Length');
  const label = next(namespace, 'Label');
  const nonce = next(namespace, 'Nonce');
  if (nonce === undefined || at !== children.length) {
    throw new SecurityError(
      'SECURITY_MALFORMED',
      'A DerivedKeyToken holds something else than WS-SecureConversation says.',
    );
  }
  const octets = length === undefined ? 32 : numberOf(length);
  const read: DerivedKeyToken = {
    id: element.attribute('Id', wsu),
    source,
    nonce: octetsOf(nonce),
    length: octets,
    offset: generation === undefined ? (offset === undefined ? 0 : numberOf(offset)) : numberOf(generation) * octets,
    label: label === undefined ? derivationLabel : plainText(label),
  };
  requireBounded(read);
  return read;
}

function requireBounded({ label, nonce, offset, length }: Derivation): void {
  const { shortest, longest } = derivationLimits;
  const bounded =
    label.length <= derivationLimits.label &&
    nonce.length <= derivationLimits.nonce &&
    offset <= derivationLimits.offset &&
    length >= shortest &&
    length <= longest;
  if (bounded) return;
  throw new SecurityError('SECURITY_LIMIT', 'A derived key, its label, nonce or offset is beyond the limits.');
}

/**
 * The derivation that a SecurityTokenReference implies by its wsc:Nonce and wsc:Length (section 7.3); `undefined` where it has
 * none.
 *
 * @throws SecurityError `SECURITY_MALFORMED`, `SECURITY_LIMIT`
 */
export function impliedDerivation(reference: XmlElement): Derivation | undefined {
  for (const namespace of conversationNamespaces) {
    const text = reference.attribute('Nonce', namespace);
    if (text === undefined) continue;
    const nonce = fromBase64(text);
    if (nonce === undefined) throw new SecurityError('SECURITY_MALFORMED', 'The Nonce of a reference is no base64.');
    const length = reference.attribute('Length', namespace);
    const read = { nonce, offset: 0, length: length === undefined ? 32 : count(length), label: derivationLabel };
    requireBounded(read);
    return read;
  }
  return undefined;
}

/**
 * A DerivedKeyToken as WCF and Metro write it: no Label ever (WCF writes one in an element of another name).
 *
 * @param version namespace of WS-SecureConversation
 * @param reference what it is derived of: a wsse:SecurityTokenReference
 */
export function writeDerivedKeyToken(
  version: string,
  id: string,
  reference: XmlFragment,
  derivation: Omit<Derivation, 'label'>,
): XmlFragment {
  return new XmlWriter()
    .start(version, 'DerivedKeyToken', 'wsc')
    .attribute(wsu, 'Id', id, 'wsu')
    .fragment(reference)
    .element(version, 'Offset', String(derivation.offset), 'wsc')
    .element(version, 'Length', String(derivation.length), 'wsc')
    .element(version, 'Nonce', base64(derivation.nonce), 'wsc')
    .end()
    .finish();
}

function numberOf(element: XmlElement): number {
  return count(plainText(element));
}

function count(text: string): number {
  if (!/^\d{1,6}$/.test(text))
    throw new SecurityError('SECURITY_MALFORMED', 'What a key is derived with is no number.');
  return Number(text);
}
