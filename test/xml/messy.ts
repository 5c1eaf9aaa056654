/** Random documents that are as untidy as XML allows: the input of laws and of comparisons with an oracle. */
import type { Random } from '../../src/base/random.ts';

const PREFIXES = ['a', 'b', 'ns1', 'x-y', 'é'];
const NAMESPACES = ['urn:one', 'http://example.org/two', 'urn:three', 'http://example.org/four?x=1'];
const LOCALS = ['item', 'Name', 'value', 'a', 'b.c', 'ü-1', '_x'];
const TEXTS = [
  'plain',
  ' ',
  '\n  ',
  'a &amp; b',
  '&lt;tag&gt;',
  '&#65;&#x42;',
  '&#xD;',
  '\r\n',
  'x\ry',
  'äöü €',
  '𝄞',
  '\'"',
  '>',
  '\t',
  ']] ',
  'a:b',
];
const VALUES = [
  '',
  'v',
  'a b',
  '&quot;q&quot;',
  '&#x9;&#xA;&#xD;',
  'x\ty\nz',
  '\r\n',
  '&lt;&amp;&gt;',
  'é𝄞',
  '>',
  'b:c',
  '&apos;',
];

export interface Messy {
  readonly comments?: boolean;
  readonly instructions?: boolean;
  readonly xml?: boolean;
  /** Namespace names that libxml2 does not take for URIs. */
  readonly wide?: boolean;
}

/** One document with a root element. */
export function messyDocument(random: Random, options: Messy = {}): string {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.fraction() * from.length)] as T;
  const chance = (probability: number) => random.fraction() < probability;
  let budget = 1 + Math.floor(random.fraction() * 25);

  const names = options.wide === true ? [...NAMESPACES, 'urn:ß\u{1d11e}', 'urn:\ufb01&amp;'] : NAMESPACES;
  const space = () => (chance(0.8) ? ' ' : pick(['  ', '\n', '\t', ' \r\n ']));
  const quoted = (value: string) => {
    const quote = chance(0.7) ? '"' : "'";
    return quote + value.replaceAll(quote, quote === '"' ? '&quot;' : '&apos;') + quote;
  };
  const misc = () => {
    if (options.comments !== false && chance(0.1)) return pick(['<!--c-->', '<!-- a > b & \r\n c -->', '<!---->']);
    if (options.instructions !== false && chance(0.05)) return pick(['<?pi?>', '<?pi  data ?>', '<?p-i a\r\nb?>']);
    return '';
  };

  const element = (scope: ReadonlyMap<string, string>, depth: number): string => {
    budget--;
    const own = new Map<string, string>();
    if (depth === 0 || chance(0.3)) {
      for (let count = Math.floor(random.fraction() * 4); count > 0; count--) own.set(pick(PREFIXES), pick(names));
    }
    if (chance(0.2)) own.set('', chance(0.3) ? '' : pick(names));
    const inner = new Map([...scope, ...own]);
    const usable = [...inner.keys()].filter((prefix) => prefix !== '');
    const prefix = chance(0.5) && usable.length > 0 ? pick(usable) : '';
    const name = prefix === '' ? pick(LOCALS) : `${prefix}:${pick(LOCALS)}`;
    const attributes = new Map<string, string>();
    for (let count = Math.floor(random.fraction() * 4); count > 0; count--) {
      const local = pick(LOCALS);
      const attributePrefix = chance(0.4) && usable.length > 0 ? pick(usable) : '';
      const namespace = attributePrefix === '' ? '' : inner.get(attributePrefix);
      const text = attributePrefix === '' ? local : `${attributePrefix}:${local}`;
      attributes.set(`${namespace} ${local}`, `${text}${chance(0.1) ? ' = ' : '='}${quoted(pick(VALUES))}`);
    }
    if (options.xml !== false && chance(0.1)) attributes.set('xml', `xml:${pick(['lang', 'space'])}="preserve"`);
    const parts = [
      ...[...own].map(([one, namespace]) => `${one === '' ? 'xmlns' : `xmlns:${one}`}=${quoted(namespace)}`),
      ...attributes.values(),
    ];
    if (chance(0.3)) parts.reverse();
    const tag = `<${name}${parts.map((part) => space() + part).join('')}${chance(0.2) ? space() : ''}`;
    const children: string[] = [];
    while (budget > 0 && depth < 8 && chance(0.75)) {
      const draw = random.fraction();
      if (draw < 0.5) children.push(element(inner, depth + 1));
      else if (draw < 0.85) children.push(pick(TEXTS));
      else if (draw < 0.92) children.push(pick(['<![CDATA[x < y & z]]>', '<![CDATA[]]>', '<![CDATA[a\r\n]]]>']));
      else children.push(misc());
    }
    if (children.length === 0 && chance(0.6)) return `${tag}/>`;
    return `${tag}>${children.join('')}</${name}${chance(0.1) ? space() : ''}>`;
  };
  const root = element(new Map(), 0);
  const declaration = chance(0.3) ? `<?xml version="1.0"${chance(0.5) ? " encoding='utf-8'" : ''}?>` : '';
  return `${declaration}${misc()}${root}${misc()}`;
}
