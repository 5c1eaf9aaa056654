/**
 * Scan + Exclusive C14N + SHA-256 of one SOAP message, octets to digest, beside xml-crypto (with its xmldom) and libxml2
 * (python3-lxml, in one process).
 */
import { createHash, hash } from 'node:crypto';
import { createRequire } from 'node:module';
import { canonicalize, exclusive } from '../src/xml/canonicalize.ts';
import { scan } from '../src/xml/scan.ts';
import { type Contender, compare, contender, line, PythonPeer, type Row } from './harness.ts';
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

const SIZES = [1000, 10_000, 100_000, 1_000_000, 10_000_000];
const LIMITS = { bytes: 32_000_000 };

const names: Readonly<Record<number, string>> = {
  1000: '1 KB',
  10000: '10 KB',
  100000: '100 KB',
  1000000: '1 MB',
  10000000: '10 MB',
};

/** xml-crypto's canonicalizer over the DOM of the xmldom that xml-crypto itself uses. */
async function xmlCrypto(message: Buffer): Promise<(() => string) | undefined> {
  try {
    const { ExclusiveCanonicalization } = await import('xml-crypto');
    const own = createRequire(import.meta.resolve('xml-crypto'));
    const { DOMParser } = own('@xmldom/xmldom') as typeof import('@xmldom/xmldom');
    return () => {
      const document = new DOMParser().parseFromString(message.toString('utf8'), 'text/xml');
      const octets = new ExclusiveCanonicalization().process(document.documentElement as never, {});
      return createHash('sha256').update(octets.toString(), 'utf8').digest('hex');
    };
  } catch {
    return undefined;
  }
}

export async function rows(report: (line: string) => void): Promise<readonly Row[]> {
  const python = await PythonPeer.start(LIBXML2);
  const found: Row[] = [];
  for (const size of SIZES) {
    const message = sampleMessage(size);
    const work = () => hash('sha256', canonicalize(scan(message, LIMITS).root, exclusive));
    const crypto = await xmlCrypto(message);
    // All must say the same, or they are not compared.
    const expected = work();
    if (crypto !== undefined && size <= 10_000 && crypto() !== expected) throw new Error('xml-crypto disagrees');
    await python?.contender('check', { xml: message, expected: Buffer.from(expected) });
    const dom: Contender | undefined = crypto === undefined ? undefined : contender(crypto);
    const peers: Record<string, Contender | undefined> = {
      libxml2: await python?.contender('digest', { xml: message }),
      // A DOM of 10 MB takes minutes and gigabytes.
      ...(size <= 1_000_000 ? { 'xml-crypto': dom } : {}),
    };
    const row = await compare({
      work: 'scan + exclusive C14N + SHA-256',
      size: names[size] ?? `${size} B`,
      surewire: contender(work),
      peers,
    });
    report(line(row));
    found.push(row);
  }
  python?.stop();
  return found;
}
