/** Rewriting the root's start tag in canonical octets, so that an id can be added to what is canonical already. */
import { view } from '../base/bytes.ts';
import { isNcName, isText } from './characters.ts';
import { XmlError } from './errors.ts';
import { byCodePoints, escapeValue } from './output.ts';
import { XML_NAMESPACE_NAME } from './tape.ts';

export interface NewAttribute {
  readonly namespace: string;
  readonly local: string;
  readonly value: string;
  /** What to use where the namespace has no prefix yet. */
  readonly prefix: string;
}

/** A part of a start tag in canonical form: name and escaped value. */
interface Part {
  readonly name: string;
  readonly value: string;
}

/**
 * @param bytes canonical octets of one element
 * @param reserved prefixes that may not be chosen
 * @returns canonical octets in which the root has the attribute
 * @throws XmlError XML_MALFORMED, XML_NAMESPACE
 */
export function rewriteRoot(bytes: Uint8Array, attribute: NewAttribute, reserved: readonly string[]): Uint8Array {
  if (!isNcName(attribute.local) || !isText(attribute.value)) {
    throw new XmlError('XML_MALFORMED', `The attribute "${attribute.local}" has a name or value XML cannot carry`);
  }
  const octets = view(bytes);
  const { name, parts, end } = startTag(octets);
  const declarations = parts.filter(({ name: part }) => part === 'xmlns' || part.startsWith('xmlns:'));
  const attributes = parts.filter((part) => !declarations.includes(part));
  const namespaces = new Map(declarations.map((part) => [part.name.slice('xmlns:'.length), part.value]));
  const { prefix, declare } = choose(attribute, namespaces, octets, reserved);
  if (declare) {
    declarations.push({ name: `xmlns:${prefix}`, value: escapeValue(attribute.namespace) });
    namespaces.set(prefix, escapeValue(attribute.namespace));
  }
  const added = {
    name: prefix === '' ? attribute.local : `${prefix}:${attribute.local}`,
    value: escapeValue(attribute.value),
  };
  const order = ({ name: one }: Part, { name: other }: Part) => {
    const [onePrefix, oneLocal] = split(one);
    const [otherPrefix, otherLocal] = split(other);
    return (
      byCodePoints(namespaceOf(onePrefix, namespaces), namespaceOf(otherPrefix, namespaces)) ||
      byCodePoints(oneLocal, otherLocal)
    );
  };
  const kept = attributes.filter((part) => order(part, added) !== 0);
  const tag = [
    ...declarations.sort((one, other) => byCodePoints(one.name, other.name)),
    ...[...kept, added].sort(order),
  ].map((part) => ` ${part.name}="${part.value}"`);
  return Buffer.concat([Buffer.from(`<${name}${tag.join('')}`, 'utf8'), octets.subarray(end)]);
}

/** Reads a canonical start tag; `end` is where its `>` stands. */
function startTag(octets: Buffer): { readonly name: string; readonly parts: readonly Part[]; readonly end: number } {
  let at = 1;
  const until = (octet: number): string => {
    const start = at;
    at = octets.indexOf(octet, start);
    return octets.toString('utf8', start, at);
  };
  while (octets[at] !== 0x20 && octets[at] !== 0x3e) at++;
  const name = octets.toString('utf8', 1, at);
  const parts: Part[] = [];
  while (octets[at] === 0x20) {
    at++;
    const part = until(0x3d);
    at += 2;
    parts.push({ name: part, value: until(0x22) });
    at++;
  }
  return { name, parts, end: at };
}

function split(name: string): readonly [prefix: string, local: string] {
  const colon = name.indexOf(':');
  return [name.slice(0, Math.max(colon, 0)), name.slice(colon + 1)];
}

function namespaceOf(prefix: string, namespaces: ReadonlyMap<string, string>): string {
  if (prefix === '') return '';
  return prefix === 'xml' ? XML_NAMESPACE_NAME : namespaceName(namespaces.get(prefix) ?? '');
}

/** The namespace name of its canonical form: order is by what it says, not by how it is spelled. */
function namespaceName(value: string): string {
  return value
    .replace(/&lt;/g, '<')
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&');
}

/**
 * A prefix that the root has for the namespace, else one that is declared nowhere in the octets: a declaration further
 * inside of the same prefix would no longer be canonical.
 */
function choose(
  { namespace, prefix, local }: NewAttribute,
  namespaces: ReadonlyMap<string, string>,
  octets: Buffer,
  reserved: readonly string[],
): { readonly prefix: string; readonly declare: boolean } {
  if (namespace === '' && local !== 'xmlns') return { prefix: '', declare: false };
  if (namespace === XML_NAMESPACE_NAME) return { prefix: 'xml', declare: false };
  if (!isNcName(prefix) || /^xml/i.test(prefix) || !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(namespace) || !isText(namespace)) {
    throw new XmlError('XML_NAMESPACE', `The prefix "${prefix}" cannot stand for "${namespace}"`);
  }
  const escaped = escapeValue(namespace);
  const usable = (one: string) => one !== '' && namespaces.get(one) === escaped;
  if (usable(prefix)) return { prefix, declare: false };
  for (const known of namespaces.keys()) if (usable(known)) return { prefix: known, declare: false };
  const isFree = (one: string) => !reserved.includes(one) && !octets.includes(` xmlns:${one}="`);
  let free = prefix;
  for (let number = 1; !isFree(free); number++) free = `${prefix}${number}`;
  return { prefix: free, declare: true };
}
