/** Rewriting the root's start tag in canonical octets, so that an id can be added to what is canonical already. */
import { view } from '../base/bytes.ts';
import { isNcName, isText } from './characters.ts';
import { XmlError } from './errors.ts';
import { joined, type Piece } from './joiner.ts';
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

/** A start tag around the value of an attribute that is put into it. */
interface Frame {
  readonly attribute: Omit<NewAttribute, 'value'>;
  readonly before: string;
  readonly after: string;
  /** The prefix that it declares, which what is inside must not declare. */
  readonly declares: string | undefined;
}

/**
 * Frames made lately, by start tag. Messages have the same few again and again, and what becomes of one depends on nothing but
 * the tag and the attribute's name, which are compared.
 */
const frames = new Map<string, Frame>();
const framesKept = 256;
/** Octets of a start tag whose frame is kept. */
const longestTag = 1024;

/**
 * @param pieces canonical form of one element
 * @param isFree whether a prefix may be chosen: one that is neither reserved nor declared anywhere in the element
 * @returns canonical form in which the root has the attribute
 * @throws XmlError XML_MALFORMED, XML_NAMESPACE
 */
export function rewriteRoot(
  pieces: readonly Piece[],
  attribute: NewAttribute,
  isFree: (prefix: string) => boolean,
): readonly Piece[] {
  const { local, value, prefix } = attribute;
  if (!isText(value)) throw misnamed(local);
  const [first = '', ...rest] = pieces;
  const end = typeof first === 'string' ? endOfStartTagIn(first) : endOfStartTag(view(first));
  // A start tag in several pieces is nobody's habit.
  if (end >= first.length && rest.length > 0) return rewriteRoot([joined(pieces)], attribute, isFree);
  const whole = typeof first === 'string' ? first.slice(0, end + 1) : view(first).toString('utf8', 0, end + 1);
  const tag = end > longestTag ? '' : whole.slice(0, -1);
  let frame = frames.get(tag);
  if (frame === undefined || !isFor(frame, attribute) || (frame.declares !== undefined && !isFree(frame.declares))) {
    frame = frameOf(Buffer.from(whole), attribute, isFree);
    // Another prefix than the one asked for was chosen because of what is inside.
    if (tag !== '' && (frame.declares ?? prefix) === prefix) keep(tag, frame);
  }
  const start = `${frame.before}${escapeValue(value)}${frame.after}`;
  if (typeof first === 'string') return [start + first.slice(end), ...rest];
  return [start, first.subarray(end), ...rest];
}

function isFor({ attribute }: Frame, { namespace, local, prefix }: NewAttribute): boolean {
  return attribute.local === local && attribute.namespace === namespace && attribute.prefix === prefix;
}

function keep(tag: string, frame: Frame): void {
  if (frames.size >= framesKept) frames.clear();
  frames.set(tag, frame);
}

function frameOf(
  octets: Buffer,
  { namespace, local, prefix: wanted }: NewAttribute,
  isFree: (prefix: string) => boolean,
): Frame {
  const attribute = { namespace, local, prefix: wanted };
  if (!isNcName(local)) throw misnamed(local);
  const { name, parts } = startTag(octets);
  const declarations = parts.filter(({ name: part }) => part === 'xmlns' || part.startsWith('xmlns:'));
  const attributes = parts.filter((part) => !declarations.includes(part));
  const namespaces = new Map(declarations.map((part) => [part.name.slice('xmlns:'.length), part.value]));
  const { prefix, declare } = choose(attribute, namespaces, isFree);
  if (declare) {
    declarations.push({ name: `xmlns:${prefix}`, value: escapeValue(namespace) });
    namespaces.set(prefix, escapeValue(namespace));
  }
  const added = { name: prefix === '' ? local : `${prefix}:${local}`, value: '' };
  const order = ({ name: one }: Part, { name: other }: Part) => {
    const [onePrefix, oneLocal] = split(one);
    const [otherPrefix, otherLocal] = split(other);
    return (
      byCodePoints(namespaceOf(onePrefix, namespaces), namespaceOf(otherPrefix, namespaces)) ||
      byCodePoints(oneLocal, otherLocal)
    );
  };
  const written = (some: readonly Part[]) => some.map((part) => ` ${part.name}="${part.value}"`).join('');
  declarations.sort((one, other) => byCodePoints(one.name, other.name));
  const before = attributes.filter((part) => order(part, added) < 0).sort(order);
  const after = attributes.filter((part) => order(part, added) > 0).sort(order);
  return {
    attribute,
    before: `<${name}${written(declarations)}${written(before)} ${added.name}="`,
    after: `"${written(after)}`,
    declares: declare ? prefix : undefined,
  };
}

function misnamed(local: string): XmlError {
  return new XmlError('XML_MALFORMED', `The attribute "${local}" has a name or value XML cannot carry`);
}

/** Where the `>` of a canonical start tag stands: one in a value is between double quotes. */
function endOfStartTag(octets: Buffer): number {
  let at = 1;
  for (let quoted = false; at < octets.length && (quoted || octets[at] !== 0x3e); at++) {
    if (octets[at] === 0x22) quoted = !quoted;
  }
  return at;
}

/** As `endOfStartTag`, in text. */
function endOfStartTagIn(text: string): number {
  let at = 1;
  for (let quoted = false; at < text.length && (quoted || text.charCodeAt(at) !== 0x3e); at++) {
    if (text.charCodeAt(at) === 0x22) quoted = !quoted;
  }
  return at;
}

/** Reads a canonical start tag. */
function startTag(octets: Buffer): { readonly name: string; readonly parts: readonly Part[] } {
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
  return { name, parts };
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
  { namespace, prefix, local }: Omit<NewAttribute, 'value'>,
  namespaces: ReadonlyMap<string, string>,
  isFree: (prefix: string) => boolean,
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
  let free = prefix;
  for (let number = 1; !isFree(free); number++) free = `${prefix}${number}`;
  return { prefix: free, declare: true };
}
