/**
 * Changes to XML that know its grammar: octets and tokens, tags and attributes, whole elements moved and doubled, and what
 * signatures and ciphertexts are made of. Each takes a text and gives another; chance is an input.
 */
import type { Random } from '../../src/base/random.ts';

export interface Dice {
  readonly random: Random;
  pick<Value>(from: readonly Value[]): Value;
  chance(probability: number): boolean;
  below(limit: number): number;
}

export function dice(random: Random): Dice {
  const below = (limit: number): number => Math.floor(random.fraction() * limit);
  return {
    random,
    below,
    pick: <Value>(from: readonly Value[]): Value => from[below(from.length)] as Value,
    chance: (probability) => random.fraction() < probability,
  };
}

/** What breaks readers: character references, sections, declarations, odd characters, names that mean something. */
const tokens = [
  ...[
    '<!DOCTYPE a [<!ENTITY e "x">]>',
    '&e;',
    '&#0;',
    '&#x;',
    '&#xD;',
    '&#65;',
    '&#x110000;',
    '&#xFFFF;',
    '&lt',
    '&amp;',
  ],
  ...[
    '<!--c-->',
    '<!-- -- -->',
    '<!---->',
    '<?pi d?>',
    '<?xml version="1.0"?>',
    '<![CDATA[x]]>',
    '<![CDATA[',
    ']]>',
    '-->',
  ],
  ...[
    '<',
    '>',
    '</',
    '/>',
    '"',
    "'",
    '=',
    ':',
    ' ',
    '\t',
    '\r',
    '\r\n',
    '\n',
    '\0',
    '\uFFFE',
    '\uFEFF',
    '\u2028',
    '\u0085',
  ],
  ...[
    'é',
    '𝄞',
    '\u0300',
    '٣',
    'xmlns',
    'xmlns=""',
    'xmlns:a="urn:a"',
    'xmlns:xml="urn:x"',
    'xml:id="i"',
    'xml:base="x"',
  ],
  ...['Id="body"', 'wsu:Id="body"', 'mustUnderstand="1"', 'xsi:nil="true"', 'http://www.w3.org/2000/09/xmldsig#', '#'],
  ...['9'.repeat(40), '-1', '1e9', '0', '18446744073709551616', 'AAAA', '====', '%00', '../', 'a'.repeat(300)],
];

const uris = [
  'http://www.w3.org/2001/10/xml-exc-c14n#',
  'http://www.w3.org/2001/10/xml-exc-c14n#WithComments',
  'http://www.w3.org/TR/2001/REC-xml-c14n-20010315',
  'http://www.w3.org/2006/12/xml-c14n11',
  'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
  'http://www.w3.org/2000/09/xmldsig#base64',
  'http://www.w3.org/TR/1999/REC-xpath-19991116',
  'http://www.w3.org/2000/09/xmldsig#sha1',
  'http://www.w3.org/2001/04/xmlenc#sha256',
  'http://www.w3.org/2001/04/xmlenc#sha512',
  'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  'http://www.w3.org/2001/04/xmldsig-more#hmac-sha256',
  'http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256',
  'http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1',
  'http://www.w3.org/2009/xmlenc11#aes128-gcm',
  'http://www.w3.org/2001/04/xmlenc#aes128-cbc',
  'http://www.w3.org/2001/04/xmlenc#rsa-1_5',
  'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  'http://www.w3.org/2009/xmlenc11#rsa-oaep',
  'http://www.w3.org/2001/04/xmlenc#kw-aes128',
  'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform',
];

type Mutation = (text: string, dice: Dice, other: string) => string;

const cut = (text: string, from: number, to: number, by = ''): string => text.slice(0, from) + by + text.slice(to);

/** Start and end of an element that begins at one of the tags; a rough reading is enough, and often a wrong one better. */
function element(text: string, { below }: Dice): readonly [from: number, to: number] | undefined {
  const tags = [...text.matchAll(/<([A-Za-z_][^\s/>]*)/g)];
  const tag = tags[below(tags.length)];
  if (tag === undefined) return undefined;
  const end = text.indexOf(`</${tag[1]}`, tag.index);
  const close = text.indexOf('>', end === -1 ? tag.index : end);
  return close === -1 ? undefined : [tag.index, close + 1];
}

function attribute(text: string, { below }: Dice): RegExpMatchArray | undefined {
  const all = [...text.matchAll(/\s([\w:.-]+)=("[^"]*"|'[^']*')/g)];
  return all[below(all.length)];
}

function content(text: string, { below }: Dice): RegExpMatchArray | undefined {
  const all = [...text.matchAll(/>([^<>]+)</g)];
  return all[below(all.length)];
}

const mutations: readonly Mutation[] = [
  // octets and tokens
  (text, d) => cut(text, d.below(text.length), d.below(text.length)).slice(0, 2 * text.length + 64),
  (text, d) => {
    const at = d.below(text.length);
    return cut(text, at, at + 1, String.fromCharCode(d.below(d.chance(0.9) ? 128 : 65_536)));
  },
  (text, d) => {
    const at = d.below(text.length + 1);
    return cut(text, at, at + (d.chance(0.5) ? 0 : d.below(8)), d.pick(tokens));
  },
  (text, d) => cut(text, d.below(text.length), text.length),
  (text, d, other) => text.slice(0, d.below(text.length)) + other.slice(d.below(other.length)),
  // elements: doubled, moved, removed, replaced by another's, wrapped, emptied
  (text, d) => {
    const [from, to] = element(text, d) ?? [0, 0];
    return cut(text, to, to, text.slice(from, to));
  },
  (text, d) => {
    const [from, to] = element(text, d) ?? [0, 0];
    const rest = cut(text, from, to);
    const places = [...rest.matchAll(/>/g)];
    const at = (places[d.below(places.length)]?.index ?? 0) + 1;
    return cut(rest, at, at, text.slice(from, to));
  },
  (text, d) => {
    const [from, to] = element(text, d) ?? [0, 0];
    return cut(text, from, to);
  },
  (text, d, other) => {
    const [from, to] = element(text, d) ?? [0, 0];
    const [start, end] = element(other, d) ?? [0, 0];
    return cut(text, from, d.chance(0.5) ? from : to, other.slice(start, end));
  },
  (text, d) => {
    const [from, to] = element(text, d) ?? [0, 0];
    const name = d.pick(['w', 's:Header', 'ds:Object', 'wsse:Security', 'a:Action', 'wsse:SecurityTokenReference']);
    return cut(text, from, to, `<${name}>${text.slice(from, to)}</${name}>`);
  },
  (text, d) => {
    const [from, to] = element(text, d) ?? [0, 0];
    const [start, end] = element(text, d) ?? [0, 0];
    return cut(text, from, to, text.slice(start, end));
  },
  // names and prefixes
  (text, d) => {
    const names = [...new Set([...text.matchAll(/<([A-Za-z_][^\s/>]*)/g)].map((one) => one[1] ?? ''))];
    return text.replace(d.pick(names), d.pick([...names, 'x', 'ds:Reference', 'a:b:c', '']));
  },
  (text, d) => {
    const prefix = d.pick(['s', 'ds', 'wsse', 'wsu', 'a', 'o', 'r', 'ec']);
    return text.replaceAll(`${prefix}:`, `${prefix}2:`).replaceAll(`xmlns:${prefix}=`, `xmlns:${prefix}2=`);
  },
  (text, d) => {
    const [from] = element(text, d) ?? [0, 0];
    const at = text.slice(from).search(/[\s/>]/) + from;
    return cut(
      text,
      at,
      at,
      d.pick([' xmlns="urn:x"', ' xmlns:o="urn:evil"', ' xmlns=""', ' xml:lang="en"', ' xmlns:q="urn:q"']),
    );
  },
  // attributes: another value, another's value, removed, doubled, quoted otherwise, spread out
  (text, d) => {
    const found = attribute(text, d);
    if (found === undefined) return text;
    const value = d.pick(['""', '"#"', `"${d.pick(uris)}"`, `"${d.pick(tokens)}"`, attribute(text, d)?.[2] ?? '""']);
    return cut(text, found.index ?? 0, (found.index ?? 0) + found[0].length, ` ${found[1]}=${value}`);
  },
  (text, d) => {
    const found = attribute(text, d);
    if (found === undefined) return text;
    const whole = found[0].replace(/^\s/, '');
    const by = d.pick([
      '',
      `${found[0]}${found[0]}`,
      found[0].replace(/"/g, "'"),
      found[0].replace('=', ' \n= '),
      ` ${d.pick(['x', 'wsu:Id', 'Id', 'URI', 'xml:id'])}${whole.slice(whole.indexOf('='))}`,
    ]);
    return cut(text, found.index ?? 0, (found.index ?? 0) + found[0].length, by);
  },
  (text, d) => text.replace(d.pick(uris), d.pick(uris)),
  (text, d) => {
    const ids = [...text.matchAll(/Id="([^"]*)"/g)].map((one) => one[1] ?? '');
    return ids.length < 2 ? text : text.replace(`"#${d.pick(ids)}"`, `"#${d.pick(ids)}"`);
  },
  (text, d) => {
    const ids = [...text.matchAll(/Id="([^"]*)"/g)].map((one) => one[1] ?? '');
    return ids.length < 2 ? text : text.replace(`Id="${d.pick(ids)}"`, `Id="${d.pick(ids)}"`);
  },
  (text, d) =>
    text.replace(/PrefixList="[^"]*"/, `PrefixList="${d.pick(['', 'o', '#default', 'a b', 's ds', '  ', 'x:y'])}"`),
  // text: spaced, entity for character, a comment, a section, an instruction, swapped with another's
  (text, d) => {
    const found = content(text, d);
    if (found === undefined) return text;
    const value = found[1] ?? '';
    const at = d.below(value.length + 1);
    const by = d.pick([
      ` ${value}`,
      `${value.slice(0, at)}\n${value.slice(at)}`,
      `${value.slice(0, at)}<!--x-->${value.slice(at)}`,
      `<![CDATA[${value}]]>`,
      `${value.slice(0, at)}<?x y?>${value.slice(at)}`,
      `&#${value.codePointAt(0)};${value.slice(1)}`,
      value.toLowerCase(),
      value.slice(0, at),
      value + value,
      content(text, d)?.[1] ?? '',
      `${value.slice(0, at)}<x/>${value.slice(at)}`,
      value.replace(/[A-Za-z0-9+/]/, (one) => (one === 'A' ? 'B' : 'A')),
    ]);
    const from = (found.index ?? 0) + 1;
    return cut(text, from, from + value.length, by);
  },
  // white space and empty tags, which change nothing that canonical XML keeps or all of it
  (text, d) => {
    const at = text.indexOf('>', d.below(text.length));
    return at === -1 ? text : cut(text, at + 1, at + 1, d.pick([' ', '\n', '<!--n-->', '\r\n\t']));
  },
  (text) => text.replace(/<([\w:]+)([^<>]*)><\/\1>/, '<$1$2/>'),
  (text) =>
    text.replace(/(<[\w:]+)((?:\s[\w:]+="[^"]*"){2,})/, (_, tag: string, list: string) => {
      const parts = list.match(/\s[\w:]+="[^"]*"/g) ?? [];
      return tag + parts.reverse().join('');
    }),
];

/** One to four changes, seldom more. */
export function mutate(text: string, by: Dice, other: string): string {
  let changed = text;
  const times = by.chance(0.6) ? 1 : 1 + by.below(by.chance(0.9) ? 3 : 12);
  for (let time = 0; time < times; time++) changed = by.pick(mutations)(changed, by, other);
  return changed.length > 200_000 ? changed.slice(0, 200_000) : changed;
}

/** The octets of a text, seldom with an octet that is wrong or in another encoding. */
export function octetsOf(text: string, by: Dice): Uint8Array {
  if (by.chance(0.97)) return Buffer.from(text);
  if (by.chance(0.3)) return Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
  const octets = Buffer.from(text);
  if (octets.length > 0) octets[by.below(octets.length)] = 0x80 + by.below(128);
  return octets;
}
