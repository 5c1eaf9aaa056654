/**
 * Scan + Exclusive C14N + SHA-256 of one SOAP message, octets to digest, beside xml-crypto (with its xmldom) and libxml2
 * (python3-lxml, in one process).
 */
import { hash } from 'node:crypto';
import { canonicalize, exclusive } from '../src/xml/canonicalize.ts';
import { scan } from '../src/xml/scan.ts';
import { compare, contender, line, PythonPeer, type Row, threadContender } from './harness.ts';
import { sampleMessage } from './sample.ts';

const LIBXML2 = `
import hashlib
from lxml import etree
parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
@work
def digest(xml):
    def run():
        root = etree.fromstring(xml, parser)
        return hashlib.sha256(etree.tostring(root, method='c14n', exclusive=True, with_comments=False)).digest()
    return run
@work
def check(xml, expected):
    root = etree.fromstring(xml, parser)
    octets = etree.tostring(root, method='c14n', exclusive=True, with_comments=False)
    if hashlib.sha256(octets).hexdigest().encode() != expected:
        raise Exception('another digest')
    return lambda: None
`;

/** The largest first: what a peer's DOM of 1 MB leaves to the collector would slow down whoever comes next. */
const SIZES = [10_000_000, 1_000_000, 100_000, 10_000, 1000];
const LIMITS = { bytes: 32_000_000 };

const names: Readonly<Record<number, string>> = {
  1000: '1 KB',
  10000: '10 KB',
  100000: '100 KB',
  1000000: '1 MB',
  10000000: '10 MB',
};

const XML_CRYPTO = new URL('./xml-crypto.ts', import.meta.url);

export async function rows(report: (line: string) => void): Promise<readonly Row[]> {
  const python = await PythonPeer.start(LIBXML2);
  const found: Row[] = [];
  for (const size of SIZES) {
    const message = sampleMessage(size);
    const work = () => hash('sha256', canonicalize(scan(message, LIMITS).root, exclusive));
    // All must say the same, or they are not compared.
    const check = { xml: message, expected: Buffer.from(work()) };
    await python?.contender('check', check);
    // A DOM of 10 MB takes minutes and gigabytes.
    const hasDom = size <= 1_000_000;
    await (hasDom ? await threadContender(XML_CRYPTO, 'check', check) : undefined)?.stop();
    const dom = hasDom ? await threadContender(XML_CRYPTO, 'digest', { xml: message }) : undefined;
    const row = await compare({
      work: 'scan + exclusive C14N + SHA-256',
      size: names[size] ?? `${size} B`,
      surewire: contender(work),
      peers: {
        libxml2: await python?.contender('digest', { xml: message }),
        ...(hasDom ? { 'xml-crypto': dom?.run } : {}),
      },
    });
    await dom?.stop();
    report(line(row));
    found.unshift(row);
  }
  python?.stop();
  return found;
}
