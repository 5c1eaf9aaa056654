/**
 * Six-part X.509 signatures (Body, Timestamp, To, Action, MessageID, ReplyTo; exclusive C14N, SHA-256), octets to verdict
 * and message to octets, beside xml-crypto (as its documentation shows) and xmlsec1 (python3-xmlsec, in one process). Here
 * verifying includes the envelope, the timestamp, the certificate (known already, as from a regular peer) and the rules of
 * coverage; the peers check the signature alone, with the key given.
 */
import { KeyObject } from 'node:crypto';
import { createRequire } from 'node:module';
import { type Instant, instant } from '../src/base/clock.ts';
import { systemRandom } from '../src/base/random.ts';
import { base64Digest } from '../src/security/crypto.ts';
import { insideHeader } from '../src/security/header.ts';
import { type SecurityPolicy, x509Signed } from '../src/security/policy.ts';
import { Protector } from '../src/security/protect.ts';
import { signedInfoOctets, writeSignature, writeSignedInfo } from '../src/security/signature.ts';
import { type SignatureAlgorithm, sha256 } from '../src/security/suites.ts';
import { writeTimestamp } from '../src/security/timestamp.ts';
import { writeBinaryToken, writeTokenReference } from '../src/security/tokens/x509.ts';
import { trustChain } from '../src/security/trust.ts';
import { examine } from '../src/security/verify.ts';
import { encodeEnvelope, readEnvelope } from '../src/soap/envelope.ts';
import type { Message } from '../src/soap/message.ts';
import { canonicalize } from '../src/xml/canonicalize.ts';
import { elementsById } from '../src/xml/find.ts';
import { XmlFragment } from '../src/xml/fragment.ts';
import { exclusive } from '../src/xml/methods.ts';
import { scan } from '../src/xml/scan.ts';
import { type Issued, issue } from '../test/security/pki.ts';
import { type Contender, compare, contender, line, PythonPeer, type Row } from './harness.ts';
import { sampleMessage } from './sample.ts';

const SIZES: readonly (readonly [number, string])[] = [
  [1000, '1 KB'],
  [10_000, '10 KB'],
  [100_000, '100 KB'],
];

const now: Instant = instant(Date.UTC(2026, 10, 22));
const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';

const XMLSEC = `
import xmlsec
from lxml import etree
def signature(root):
    xmlsec.tree.add_ids(root, ['Id'])
    return xmlsec.tree.find_node(root, xmlsec.Node.SIGNATURE)
@work
def verify(xml, cert):
    key = xmlsec.Key.from_memory(cert, xmlsec.KeyFormat.CERT_PEM)
    def run():
        node = signature(etree.fromstring(xml))
        context = xmlsec.SignatureContext()
        context.key = key
        context.verify(node)
    run()
    return run
@work
def sign(xml, key):
    private = xmlsec.Key.from_memory(key, xmlsec.KeyFormat.PEM)
    def run():
        root = etree.fromstring(xml)
        context = xmlsec.SignatureContext()
        context.key = private
        context.sign(signature(root))
        return etree.tostring(root)
    run()
    return run
`;

/** Like `contender`, for work that is awaited. */
function awaited(work: () => Promise<unknown>): Contender {
  return async (milliseconds) => {
    const start = performance.now();
    let operations = 0;
    let elapsed = 0;
    while (elapsed < milliseconds) {
      for (let index = 0; index < 8; index++) await work();
      operations += 8;
      elapsed = performance.now() - start;
    }
    return (operations / elapsed) * 1000;
  };
}

interface Signer {
  readonly name: string;
  readonly issued: Issued;
  readonly policy: SecurityPolicy;
  readonly algorithm: SignatureAlgorithm;
  readonly certificatePem: string;
  readonly privatePem: string;
}

/** A message as a foreign peer would have signed it: what is on the wire is not canonical, so canonicalization has work. */
async function foreign(size: number, { issued, algorithm }: Signer): Promise<Buffer> {
  const timestamp = writeTimestamp('time', now, 300_000);
  const security = (signature: string) =>
    `<wsse:Security xmlns:wsse="${wsse}" s:mustUnderstand="1">${timestamp}` +
    `${insideHeader(writeBinaryToken('token', issued.certificate))}${signature}</wsse:Security>`;
  const text = sampleMessage(size).toString('utf8');
  const ids = elementsById(scan(Buffer.from(text.replace('</s:Header>', `${security('')}</s:Header>`))));
  const parts = ['body', 'time', 'to', 'action', 'id', 'reply'].map((id) => {
    const element = ids.get(id);
    if (element === undefined) throw new Error(`no ${id}`);
    return { id, prefixes: [], digest: base64Digest(sha256, canonicalize(element, exclusive)) };
  });
  const content = writeSignedInfo(parts, algorithm, sha256);
  const value = await issued.key().sign(algorithm, signedInfoOctets(content));
  const reference = insideHeader(writeTokenReference('direct', issued.certificate, 'token'));
  return Buffer.from(text.replace('</s:Header>', `${security(writeSignature(content, value, reference))}</s:Header>`));
}

interface XmlCrypto {
  verify(message: Buffer, certificate: string): () => unknown;
  sign(message: Buffer, key: string): () => unknown;
}

async function xmlCrypto(): Promise<XmlCrypto | undefined> {
  try {
    const { SignedXml } = await import('xml-crypto');
    const own = createRequire(import.meta.resolve('xml-crypto'));
    const { DOMParser } = own('@xmldom/xmldom') as typeof import('@xmldom/xmldom');
    const xpath = own('xpath') as typeof import('xpath');
    const find = "//*[local-name(.)='Signature' and namespace-uri(.)='http://www.w3.org/2000/09/xmldsig#']";
    return {
      verify: (message, certificate) => () => {
        const text = message.toString('utf8');
        const document = new DOMParser().parseFromString(text, 'text/xml');
        const node = xpath.select1(find, document as never);
        const signed = new SignedXml({ publicCert: certificate });
        signed.loadSignature(node as never);
        if (!signed.checkSignature(text)) throw new Error('xml-crypto refuses the signature');
      },
      sign: (message, key) => () => {
        const signed = new SignedXml({
          privateKey: key,
          signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
          canonicalizationAlgorithm: exclusive.uri,
        });
        for (const local of ['Body', 'Timestamp', 'To', 'Action', 'MessageID', 'ReplyTo']) {
          signed.addReference({
            xpath: `//*[local-name(.)='${local}']`,
            transforms: [exclusive.uri],
            digestAlgorithm: sha256.uri,
          });
        }
        signed.computeSignature(message.toString('utf8'), {
          location: { reference: "//*[local-name(.)='Security']", action: 'append' },
        });
        return signed.getSignedXml();
      },
    };
  } catch {
    return undefined;
  }
}

/** The message without its security, as an application hands it down: fragments that nobody has hashed yet. */
function fresh(message: Message): Message {
  const again = (fragment: XmlFragment) => XmlFragment.written(fragment.bytes, fragment.prefixes);
  const headers = message.headers.map((block) => ({ ...block, fragment: again(block.fragment) }));
  return { ...message, headers, body: again(message.body), source: undefined };
}

export async function rows(report: (line: string) => void): Promise<readonly Row[]> {
  const python = await PythonPeer.start(XMLSEC);
  const crypto = await xmlCrypto();
  const root = await issue({ name: 'root', ca: true });
  const other = await issue({ name: 'other' }, root);
  const found: Row[] = [];
  for (const kind of ['rsa', 'ec'] as const) {
    const signer = await signerOf(kind, root);
    for (const [size, name] of SIZES) {
      const message = await foreign(size, signer);
      const inbound = x509Signed({ key: other.key(), trust: trustChain({ anchors: root.certificate }) }).inbound;
      const around = { now, replay: { remember: () => true }, peer: undefined };
      const verify = () => examine(readEnvelope(scan(message)), inbound, around);
      await verify();
      const rsa = kind === 'rsa' ? crypto : undefined;
      const withCrypto = (peer: Contender | undefined) => (kind === 'rsa' ? { 'xml-crypto': peer } : {});
      await add({
        work: `verify ${signer.name}, six parts`,
        size: name,
        surewire: awaited(verify),
        peers: {
          ...withCrypto(rsa && contender(rsa.verify(message, signer.certificatePem))),
          xmlsec1: await python?.contender('verify', { xml: message, cert: Buffer.from(signer.certificatePem) }),
        },
      });
      const protector = new Protector(signer.policy.outbound, systemRandom);
      const clear = readEnvelope(scan(sampleMessage(size)));
      const unsigned = fresh(clear);
      const sign = async () => encodeEnvelope(await protector.protect(fresh(unsigned), now));
      await sign();
      const template = Buffer.from(
        message
          .toString('utf8')
          .replace(/<ds:DigestValue>[^<]*/g, '<ds:DigestValue>')
          .replace(/<ds:SignatureValue>[^<]*/, '<ds:SignatureValue>'),
      );
      const bare = Buffer.from(message.toString('utf8').replace(/<ds:Signature .*<\/ds:Signature>/, ''));
      await add({
        work: `sign ${signer.name}, six parts`,
        size: name,
        surewire: awaited(sign),
        peers: {
          ...withCrypto(rsa && contender(rsa.sign(bare, signer.privatePem))),
          xmlsec1: await python?.contender('sign', { xml: template, key: Buffer.from(signer.privatePem) }),
        },
      });
    }
  }
  python?.stop();
  return found;

  async function add(comparison: Parameters<typeof compare>[0]): Promise<void> {
    const row = await compare(comparison);
    report(line(row));
    found.push(row);
  }
}

async function signerOf(kind: 'rsa' | 'ec', root: Issued): Promise<Signer> {
  const issued = await issue({ name: `bench ${kind}`, kind }, root);
  const key = issued.key();
  const der = Buffer.from(issued.certificate.der).toString('base64').replace(/.{64}/g, '$&\n');
  return {
    name: kind === 'rsa' ? 'RSA-2048-SHA256' : 'ECDSA-P256-SHA256',
    issued,
    policy: x509Signed({ key, trust: trustChain({ anchors: root.certificate }) }),
    algorithm: key.algorithm,
    certificatePem: `-----BEGIN CERTIFICATE-----\n${der}\n-----END CERTIFICATE-----\n`,
    privatePem: KeyObject.from(issued.pair.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}
