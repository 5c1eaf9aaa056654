/** What the tests of the XML room share: where foreign data lies, XPath node-sets, and libxml2 as an oracle. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Element as DomElement } from '@xmldom/xmldom';
import xpath from 'xpath';
import type { XmlDocument } from '../../src/xml/document.ts';
import { bridge } from '../../src/xml/dom.ts';
import type { NodeSet } from '../../src/xml/subset.ts';
import { NODE } from '../../src/xml/tape.ts';

/** The folder with vectors and captures beside the project. */
export const shared: string = new URL('../../../shared/', import.meta.url).pathname;

export const vectors: string = `${shared}vectors/`;

export interface Case {
  readonly id: string;
  readonly kind: string;
  readonly file: string;
  readonly [field: string]: unknown;
}

/** The cases of one kind of one folder of vectors; none where the folder is absent. */
export function cases(folder: string, kind: string): readonly Case[] {
  const manifest = `${vectors}${folder}/MANIFEST.json`;
  if (!existsSync(manifest)) return [];
  const { cases } = JSON.parse(readFileSync(manifest, 'utf8')) as { cases: Case[] };
  return cases.filter((one) => one.kind === kind);
}

/**
 * The set that an XPath of the form `(//. | //@* | //namespace::*)[predicate]` selects, all of the vectors' being such.
 * The predicate is asked for one node after the other; for namespace nodes, which the xpath package cannot order, an
 * attribute of the same element stands in: it has the same ancestors and, as they do, no element's name.
 */
export function nodeSet(document: XmlDocument, expression: string, namespaces: ReadonlyMap<string, string>): NodeSet {
  const predicate = /^\(\/\/\. \| \/\/@\* \| \/\/namespace::\*\)\s*\[(.*)\]$/s.exec(expression)?.[1];
  if (predicate === undefined) throw new Error(`not of the known form: ${expression}`);
  const { places } = bridge(document, 0, document.tape.nodes.length / NODE);
  const nodes = new Map([...places].map(([node, place]) => [place, node]));
  // The package's parser does not know white space before a function's parenthesis.
  const question = `boolean(${predicate.replace(/(count|not) \(/g, '$1(')})`;
  const resolver = { lookupNamespaceURI: (prefix: string | null) => namespaces.get(prefix ?? '') ?? null };
  const holds = (node: unknown) => xpath.selectWithResolver(question, node as never, resolver) as unknown as boolean;
  const attributeOf = (place: number, namespace: string, local: string) =>
    (nodes.get(place) as DomElement).getAttributeNodeNS(namespace || null, local);
  const standIn = (place: number) => {
    const element = nodes.get(place) as DomElement;
    if (!element.hasAttributeNS('urn:stand-in', 'x')) element.setAttributeNS('urn:stand-in', 'stand:x', '');
    return element.getAttributeNodeNS('urn:stand-in', 'x');
  };
  return {
    node: (place) => holds(nodes.get(place)),
    attribute: (element, { namespace, local }) => holds(attributeOf(element.index, namespace, local)),
    namespace: (element) => holds(standIn(element.index)),
  };
}

const PYTHON = '/usr/bin/python3';

/** True when libxml2 can be asked through python3-lxml. */
export const hasLxml: boolean = spawnSync(PYTHON, ['-c', 'import lxml.etree']).status === 0;

const ORACLE = `
import sys, json, base64
from lxml import etree
# What is asked about has no DTD, so that only the five entities are there to be resolved; unresolved, &amp; stays in namespace names.
parser = etree.XMLParser(resolve_entities=True, no_network=True, huge_tree=True, remove_comments=False)
for line in sys.stdin:
    job = json.loads(line)
    try:
        root = etree.fromstring(base64.b64decode(job['xml']), parser)
        apex = root if job.get('path') is None else root.xpath(job['path'])[0]
        tree = etree.ElementTree(root) if job.get('path') is None else apex
        octets = etree.tostring(tree, method='c14n', exclusive=job['exclusive'], with_comments=job['comments'],
                                inclusive_ns_prefixes=job.get('prefixes') or None)
        print(base64.b64encode(octets).decode())
    except Exception as wrong:
        print('!' + type(wrong).__name__ + ': ' + str(wrong).replace('\\n', ' '))
`;

export interface OracleJob {
  readonly xml: Uint8Array;
  readonly exclusive: boolean;
  readonly comments: boolean;
  readonly prefixes?: readonly string[];
}

/** What libxml2 makes of the documents: octets, or a message that starts with `!`. */
export function lxml(jobs: readonly OracleJob[]): readonly (Buffer | string)[] {
  const input = jobs.map((job) => JSON.stringify({ ...job, xml: Buffer.from(job.xml).toString('base64') })).join('\n');
  const { stdout, stderr } = spawnSync(PYTHON, ['-c', ORACLE], { input, maxBuffer: 1 << 30, encoding: 'utf8' });
  const lines = stdout.split('\n').slice(0, -1);
  if (lines.length !== jobs.length) throw new Error(`the oracle answered ${lines.length} of ${jobs.length}: ${stderr}`);
  return lines.map((line) => (line.startsWith('!') ? line : Buffer.from(line, 'base64')));
}
