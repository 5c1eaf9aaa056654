/** Second opinions about signed messages: xml-crypto in this process, and xmlsec1's library through python3-xmlsec, many at once. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { SignedXml } from 'xml-crypto';

const own = createRequire(import.meta.resolve('xml-crypto'));
const { DOMParser } = own('@xmldom/xmldom') as typeof import('@xmldom/xmldom');
const { select } = own('xpath') as typeof import('xpath');

/** xmldom says what it thinks on the console. */
const quiet = { warning: () => undefined, error: () => undefined, fatalError: () => undefined };

/**
 * Whether xml-crypto verifies the signatures in the Security header of an envelope with this certificate (PEM). What stands elsewhere,
 * such as a whole header inside of another one, is no part of what is delivered, and may be signed by anybody.
 */
export function xmlCryptoVerifies(text: string, certificate: string): boolean {
  try {
    const document = new DOMParser({ errorHandler: quiet } as never).parseFromString(text, 'text/xml');
    const found = select(
      "/*/*[local-name(.)='Header']/*[local-name(.)='Security']/*[local-name(.)='Signature' and namespace-uri(.)='http://www.w3.org/2000/09/xmldsig#']",
      document as never,
    );
    if (!Array.isArray(found) || found.length === 0) return false;
    return found.every((node) => {
      const signed = new SignedXml({ publicCert: certificate });
      signed.loadSignature(node as never);
      return signed.checkSignature(text);
    });
  } catch {
    return false;
  }
}

const PYTHON = '/usr/bin/python3';
export const hasXmlsec: boolean = spawnSync(PYTHON, ['-c', 'import xmlsec, lxml.etree']).status === 0;

const ORACLE = `
import sys, json, xmlsec
from lxml import etree
parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
DS = 'http://www.w3.org/2000/09/xmldsig#'
for line in sys.stdin:
    job = json.loads(line)
    try:
        root = etree.fromstring(job['text'].encode(), parser)
        xmlsec.tree.add_ids(root, ['Id', 'id', 'ID', 'AssertionID'])
        found = root.xpath("/*/*[local-name()='Header']/*[local-name()='Security']/d:Signature", namespaces={'d': DS})
        if not found: raise Exception('no signature')
        for signature in found:
            context = xmlsec.SignatureContext()
            context.key = xmlsec.Key.from_memory(job['certificate'], xmlsec.KeyFormat.CERT_PEM)
            context.verify(signature)
        print('valid')
    except Exception as wrong:
        print('!' + type(wrong).__name__ + ': ' + str(wrong).replace('\\n', ' '))
`;

/** What xmlsec says of the same signatures of each document: `valid`, or a message that starts with `!`. */
export function xmlsecSays(
  jobs: readonly { readonly text: string; readonly certificate: string }[],
): readonly string[] {
  const input = jobs.map((job) => JSON.stringify(job)).join('\n');
  const { stdout, stderr } = spawnSync(PYTHON, ['-c', ORACLE], { input, maxBuffer: 1 << 30, encoding: 'utf8' });
  const lines = stdout.split('\n').slice(0, -1);
  if (lines.length !== jobs.length) throw new Error(`xmlsec answered ${lines.length} of ${jobs.length}: ${stderr}`);
  return lines;
}
