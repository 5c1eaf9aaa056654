/**
 * The wsse:Security header block (WSS 1.1 section 5): found, and read into its parts, before any cryptography. Its shape
 * is strict: what this room does not process is not skipped but refused, because a receiver has to process the header
 * completely or fault.
 */
import { findHeaders, soapPrefix } from '../soap/envelope.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import type { SoapVersion } from '../soap/version.ts';
import type { XmlElement } from '../xml/document.ts';
import { XmlFragment } from '../xml/fragment.ts';
import type { Piece } from '../xml/joiner.ts';
import { isDerivedKeyToken } from './derived-keys.ts';
import { SecurityError, untrusted } from './errors.ts';
import { ds, wsse, wsse11, wsu, xenc } from './names.ts';
import { isContextToken } from './tokens/context.ts';
import { isAssertion } from './tokens/saml-assertion.ts';

/** Most of each that one header may hold (attack D9). */
const headerLimits = Object.freeze({
  signatures: 4,
  tokens: 16,
  /** EncryptedKeys, ReferenceLists, DerivedKeyTokens, EncryptedData and SignatureConfirmations, of each (attacks E7, E8, E13). */
  protections: 16,
});

export interface SecurityHeader {
  readonly block: HeaderBlock;
  readonly element: XmlElement;
  readonly timestamp: XmlElement | undefined;
  readonly binaryTokens: readonly XmlElement[];
  readonly usernameTokens: readonly XmlElement[];
  readonly signatures: readonly XmlElement[];
  readonly encryptedKeys: readonly XmlElement[];
  /** Those that stand alone, not in an EncryptedKey. */
  readonly referenceLists: readonly XmlElement[];
  readonly encryptedData: readonly XmlElement[];
  readonly derivedKeyTokens: readonly XmlElement[];
  readonly confirmations: readonly XmlElement[];
  /** SecurityTokenReferences that stand alone, to be signed in the place of their token (STR-Transform). */
  readonly references: readonly XmlElement[];
  /** SAML assertions of either version. */
  readonly assertions: readonly XmlElement[];
  /** SecurityContextTokens of either version. */
  readonly contextTokens: readonly XmlElement[];
}

/**
 * The one Security header addressed to this node, or `undefined`.
 *
 * @throws SecurityError `SECURITY_MALFORMED` when there are two, or it holds text or two Timestamps;
 *   `SECURITY_UNSUPPORTED` when it holds an unknown child; `SECURITY_LIMIT`
 */
export function readSecurityHeader(of: Message): SecurityHeader | undefined {
  const [block, second] = findHeaders(of, wsse, 'Security');
  if (second !== undefined) {
    throw new SecurityError('SECURITY_MALFORMED', 'There are two wsse:Security headers for this node.');
  }
  if (block === undefined) return undefined;
  const element = block.fragment.element;
  if (element.text.trim() !== '') throw new SecurityError('SECURITY_MALFORMED', 'wsse:Security holds text.');
  const found: Record<Kind, readonly XmlElement[]> & Pick<SecurityHeader, 'block' | 'element'> = {
    block,
    element,
    timestamps: none,
    binaryTokens: none,
    usernameTokens: none,
    signatures: none,
    encryptedKeys: none,
    referenceLists: none,
    encryptedData: none,
    derivedKeyTokens: none,
    confirmations: none,
    references: none,
    assertions: none,
    contextTokens: none,
  };
  for (const part of element.children) {
    const kind = kindOf(part);
    if (kind === undefined) {
      throw new SecurityError('SECURITY_UNSUPPORTED', `wsse:Security holds ${untrusted(part.local)}.`);
    }
    // Of each there are one or two, where there are any.
    found[kind] = found[kind] === none ? [part] : [...found[kind], part];
  }
  const { timestamps, binaryTokens, usernameTokens, assertions, contextTokens } = found;
  if (timestamps.length > 1) throw new SecurityError('SECURITY_MALFORMED', 'There are two Timestamps.');
  const tokens = binaryTokens.length + usernameTokens.length + assertions.length + contextTokens.length;
  if (
    found.signatures.length > headerLimits.signatures ||
    tokens > headerLimits.tokens ||
    protections.some((kind) => found[kind].length > headerLimits.protections)
  ) {
    throw new SecurityError('SECURITY_LIMIT', 'There are too many signatures or tokens in one Security header.');
  }
  return Object.assign(found, { timestamp: timestamps[0] });
}

const none: readonly XmlElement[] = Object.freeze([]);

type Kind = Exclude<keyof SecurityHeader, 'block' | 'element' | 'timestamp'> | 'timestamps';

const protections: readonly Kind[] = [
  'encryptedKeys',
  'referenceLists',
  'encryptedData',
  'derivedKeyTokens',
  'confirmations',
  'references',
];

/** What a child is, by its name; the names differ in their local part, so that is what is looked up first. */
const kinds: ReadonlyMap<string, readonly [namespace: string, kind: Kind]> = new Map([
  ['Timestamp', [wsu, 'timestamps']],
  ['BinarySecurityToken', [wsse, 'binaryTokens']],
  ['UsernameToken', [wsse, 'usernameTokens']],
  ['Signature', [ds, 'signatures']],
  ['EncryptedKey', [xenc, 'encryptedKeys']],
  ['ReferenceList', [xenc, 'referenceLists']],
  ['EncryptedData', [xenc, 'encryptedData']],
  ['SignatureConfirmation', [wsse11, 'confirmations']],
  ['SecurityTokenReference', [wsse, 'references']],
]);

function kindOf(part: XmlElement): Kind | undefined {
  const known = kinds.get(part.local);
  if (known !== undefined) return part.namespace === known[0] ? known[1] : undefined;
  if (isDerivedKeyToken(part)) return 'derivedKeyTokens';
  if (isContextToken(part)) return 'contextTokens';
  return isAssertion(part) ? 'assertions' : undefined;
}

/**
 * Refuses what only looks like a protected message: encryption that this policy does not undo (attacks X21, X22).
 *
 * @throws SecurityError `SECURITY_UNSUPPORTED`
 */
export function refuseEncryption(of: Message): void {
  const encrypted =
    of.headers.some((one) => one.namespace === xenc || (one.namespace === wsse11 && one.local === 'EncryptedHeader')) ||
    of.body.element.children.some((one) => one.is(xenc, 'EncryptedData'));
  if (encrypted) throw new SecurityError('SECURITY_UNSUPPORTED', 'The message is encrypted.');
}

/**
 * The header block around its parts: Timestamp, tokens, signature, so that everything is declared before its use.
 *
 * @param parts canonical markup for a place where the prefix `wsse` is declared (see `insideHeader`)
 */
export function writeSecurityHeader(version: SoapVersion, parts: readonly Piece[]): HeaderBlock {
  const start = `<wsse:Security xmlns:${soapPrefix}="${version.namespace}" xmlns:wsse="${wsse}" ${soapPrefix}:mustUnderstand="1">`;
  const fragment = XmlFragment.written([start, ...parts, '</wsse:Security>'], []);
  return { namespace: wsse, local: 'Security', mustUnderstand: true, role: undefined, fragment };
}

/** The canonical form of markup of ours without free text (keys, signatures) where `wsse` is declared already. */
export function withoutWsse(markup: string): string {
  return markup.replaceAll(` xmlns:wsse="${wsse}"`, '');
}

/** The canonical form of a reference inside ds:Signature. */
export function withoutDs(reference: XmlFragment): string {
  return reference.toString().replaceAll(` xmlns:ds="${ds}"`, '');
}

/** The canonical form of a fragment of prefix `wsse` (and perhaps `ds`) where these are declared already. */
export function insideHeader(fragment: XmlFragment): string {
  return fragment.toString().replace(` xmlns:wsse="${wsse}"`, '').replace(` xmlns:ds="${ds}"`, '');
}
