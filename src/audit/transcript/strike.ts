/**
 * Takes secrets out of a message before anything of it is written: passwords of UsernameTokens (text and digest alike, with the
 * nonce and the salt that a guess would need), secrets of WS-Trust, and what else the caller names. Where what was struck out
 * could be guessed, the digests and signatures over it go too: each is a way to try guesses. What was struck out proves nothing
 * any more, and the record names it.
 */
import { concat, utf8, view } from '../../base/bytes.ts';
import { conversationVersions } from '../../conversation/versions/table.ts';
import { ds, wsse, wsse11 } from '../../security/names.ts';
import type { XmlElement } from '../../xml/document.ts';
import { elementsById } from '../../xml/find.ts';
import { scan } from '../../xml/scan.ts';

/** What stands where something was struck out. */
export const struckText = 'struck-out';

/** A name of elements whose whole content is a secret. */
export interface Secret {
  readonly namespace: string;
  readonly local: string;
  /** False where the content is long and random, so that nobody can guess it. */
  readonly guessable: boolean;
}

const known: readonly Secret[] = [
  { namespace: wsse, local: 'Password', guessable: true },
  ...conversationVersions.map(({ trust }) => ({ namespace: trust, local: 'BinarySecret', guessable: false })),
];

export type Struck =
  | { readonly kind: 'clean'; readonly octets: Uint8Array }
  | { readonly kind: 'struck'; readonly octets: Uint8Array; readonly names: readonly string[] }
  /** It may hold a secret, and cannot be read. */
  | { readonly kind: 'unreadable'; readonly reason: string };

/** @param more what the caller wants struck out besides */
export function strike(octets: Uint8Array, more: readonly Secret[] = []): Struck {
  const secrets = [...known, ...more];
  // The names of elements stand in the octets as they are: where none does, there is nothing to look for.
  if (!secrets.some(({ local }) => view(octets).includes(local))) return { kind: 'clean', octets };
  try {
    return struck(octets, secrets);
  } catch (thrown) {
    return { kind: 'unreadable', reason: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

function struck(given: Uint8Array, secrets: readonly Secret[]): Struck {
  const document = scan(given);
  const octets = document.bytes;
  const targets = new Set<XmlElement>();
  const guessed: XmlElement[] = [];
  const signatures: XmlElement[] = [];
  for (const element of everyElement(document.root)) {
    if (element.is(ds, 'Signature')) signatures.push(element);
    const secret = secrets.find(({ namespace, local }) => element.is(namespace, local));
    if (secret === undefined) continue;
    targets.add(element);
    if (secret.guessable) guessed.push(element);
    if (!element.is(wsse, 'Password')) continue;
    for (const beside of element.parent?.children ?? []) {
      if (beside.is(wsse, 'Nonce') || beside.is(wsse11, 'Salt')) targets.add(beside);
    }
  }
  if (targets.size === 0) return { kind: 'clean', octets: given };
  const open = guessed.filter((one) => !hasStruckNonce(one));
  for (const signature of signatures) for (const part of trials(signature, open)) targets.add(part);
  const ordered = [...targets].sort((one, other) => one.start - other.start);
  const names = [...new Set(ordered.map((one) => `{${one.namespace}}${one.local}`))];
  return { kind: 'struck', octets: without(octets, ordered), names };
}

function* everyElement(from: XmlElement): Generator<XmlElement> {
  const waiting = [from];
  for (let element = waiting.pop(); element !== undefined; element = waiting.pop()) {
    yield element;
    for (let at = element.children.length - 1; at >= 0; at--) waiting.push(element.children[at] as XmlElement);
  }
}

/** 16 random octets that were struck out with it make a guess worthless. */
function hasStruckNonce(secret: XmlElement): boolean {
  if (!secret.is(wsse, 'Password')) return false;
  const nonce = secret.parent?.children.find((one) => one.is(wsse, 'Nonce'));
  return nonce !== undefined && Buffer.from(nonce.text, 'base64').length >= 16;
}

/** The values of a signature with which guesses of `secrets` could be tried. */
function trials(signature: XmlElement, secrets: readonly XmlElement[]): readonly XmlElement[] {
  if (secrets.length === 0) return [];
  const ids = elementsById(signature.document);
  const found: XmlElement[] = [];
  for (const element of everyElement(signature)) {
    if (!element.is(ds, 'Reference')) continue;
    const uri = element.attribute('URI');
    // What a reference is about cannot always be told; then it is taken to be about everything.
    const about = uri?.startsWith('#') ? ids.get(uri.slice(1)) : signature.document.root;
    if (about === undefined || !secrets.some((secret) => about.contains(secret))) continue;
    const value = element.children.find((one) => one.is(ds, 'DigestValue'));
    if (value !== undefined) found.push(value);
  }
  if (found.length === 0) return found;
  const value = signature.children.find((one) => one.is(ds, 'SignatureValue'));
  return value === undefined ? found : [...found, value];
}

function without(octets: Uint8Array, elements: readonly XmlElement[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let done = 0;
  for (const element of elements) {
    const { start, end } = contentOf(octets, element);
    // What stands inside of another that is struck out is gone with it.
    if (start < done || start === end) continue;
    parts.push(octets.subarray(done, start), utf8(struckText));
    done = end;
  }
  return concat([...parts, octets.subarray(done)]);
}

/** What stands between the tags of an element. */
function contentOf(octets: Uint8Array, { start, end }: XmlElement): { readonly start: number; readonly end: number } {
  let at = start;
  for (let quote = 0; at < end; at++) {
    const octet = octets[at];
    if (quote !== 0) {
      if (octet === quote) quote = 0;
    } else if (octet === QUOTE || octet === APOSTROPHE) quote = octet;
    else if (octet === GREATER) break;
  }
  if (octets[at - 1] === SLASH) return { start: end, end };
  return { start: at + 1, end: view(octets).lastIndexOf('</', end - 1) };
}

const QUOTE = 0x22;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;
const GREATER = 0x3e;
