/**
 * The wsse:Security header block (WSS 1.1 section 5): found, and read into its parts, before any cryptography. Its shape
 * is strict: what this room does not process is not skipped but refused, because a receiver has to process the header
 * completely or fault.
 */
import { utf8 } from '../base/bytes.ts';
import { findHeaders, soapPrefix } from '../soap/envelope.ts';
import type { HeaderBlock, Message } from '../soap/message.ts';
import type { SoapVersion } from '../soap/version.ts';
import type { XmlElement } from '../xml/document.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { SecurityError, untrusted } from './errors.ts';
import { ds, wsse, wsse11, wsu, xenc } from './names.ts';

/** Most of each that one header may hold (attack D9). */
const headerLimits = Object.freeze({
  signatures: 4,
  tokens: 16,
});

export interface SecurityHeader {
  readonly block: HeaderBlock;
  readonly element: XmlElement;
  readonly timestamp: XmlElement | undefined;
  readonly binaryTokens: readonly XmlElement[];
  readonly usernameTokens: readonly XmlElement[];
  readonly signatures: readonly XmlElement[];
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
  const timestamps: XmlElement[] = [];
  const binaryTokens: XmlElement[] = [];
  const usernameTokens: XmlElement[] = [];
  const signatures: XmlElement[] = [];
  for (const part of element.children) {
    if (part.is(wsu, 'Timestamp')) timestamps.push(part);
    else if (part.is(wsse, 'BinarySecurityToken')) binaryTokens.push(part);
    else if (part.is(wsse, 'UsernameToken')) usernameTokens.push(part);
    else if (part.is(ds, 'Signature')) signatures.push(part);
    else throw new SecurityError('SECURITY_UNSUPPORTED', `wsse:Security holds ${untrusted(part.local)}.`);
  }
  if (timestamps.length > 1) throw new SecurityError('SECURITY_MALFORMED', 'There are two Timestamps.');
  if (
    signatures.length > headerLimits.signatures ||
    binaryTokens.length + usernameTokens.length > headerLimits.tokens
  ) {
    throw new SecurityError('SECURITY_LIMIT', 'There are too many signatures or tokens in one Security header.');
  }
  return { block, element, timestamp: timestamps[0], binaryTokens, usernameTokens, signatures };
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
export function writeSecurityHeader(version: SoapVersion, parts: readonly string[]): HeaderBlock {
  const text =
    `<wsse:Security xmlns:${soapPrefix}="${version.namespace}" xmlns:wsse="${wsse}" ${soapPrefix}:mustUnderstand="1">` +
    `${parts.join('')}</wsse:Security>`;
  const fragment = XmlFragment.written(utf8(text), []);
  return { namespace: wsse, local: 'Security', mustUnderstand: true, role: undefined, fragment };
}

/** The canonical form of a fragment of prefix `wsse` (and perhaps `ds`) where these are declared already. */
export function insideHeader(fragment: XmlFragment): string {
  return fragment.toString().replace(` xmlns:wsse="${wsse}"`, '').replace(` xmlns:ds="${ds}"`, '');
}
