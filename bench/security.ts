/**
 * Six parts (Body, Timestamp, To, Action, MessageID, ReplyTo; exclusive C14N, SHA-256) signed with X.509 keys or under a secret
 * that both ends have, octets to verdict and message to octets, beside xml-crypto (as its documentation shows), xmlsec1
 * (python3-xmlsec, in one process) and WSS4J (a warm Java process that times itself). Here verifying includes the envelope, the
 * timestamp, the certificate (known already, as from a regular peer) and the rules of coverage, as in WSS4J, which builds the
 * certificate's path each time; the other peers check the signature alone, with the key given. "raw crypto" hashes the
 * message once and does the one operation under the key. Rates count what the working thread of each has of the processor, so
 * that other work on the machine falsifies them less.
 */
import { createPrivateKey, createSecretKey, hash, sign as signRaw } from 'node:crypto';
import { createRequire } from 'node:module';
import { type Instant, systemClock } from '../src/base/clock.ts';
import { systemRandom } from '../src/base/random.ts';
import { algorithmSuite } from '../src/security/algorithm-suites.ts';
import { base64Digest } from '../src/security/crypto.ts';
import type { ContextSource, Exchange } from '../src/security/exchange.ts';
import { insideHeader } from '../src/security/header.ts';
import { type SigningKey, signingKey } from '../src/security/keys.ts';
import { type SecurityPolicy, x509Signed } from '../src/security/policy.ts';
import { contextProtection } from '../src/security/presets/context.ts';
import { anonymousForCertificate } from '../src/security/presets/for-certificate.ts';
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
import { type Parties, parties } from '../test/interop/parties.ts';
import { NotInstalled } from '../test/interop/tools.ts';
import { buildWss4j } from '../test/interop/wss4j-build.ts';
import { type MessagePart, type Step, type Wss4j, wss4j } from '../test/interop/wss4j-peer.ts';
import { awaited, type Contender, compare, contender, line, PythonPeer, processor, type Row } from './harness.ts';
import { sampleMessage } from './sample.ts';
import { XMLSEC } from './xmlsec.ts';

const SIZES: readonly (readonly [number, string])[] = [
  [1000, '1 KB'],
  [10_000, '10 KB'],
  [100_000, '100 KB'],
  [1_000_000, '1 MB'],
];

/** WSS4J looks at the clock of the machine, so this is read again for every size: a message is good for five minutes. */
let now: Instant = systemClock.now();
const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';

interface Signer {
  readonly name: string;
  readonly key: SigningKey;
  readonly policy: SecurityPolicy;
  readonly algorithm: SignatureAlgorithm;
  readonly certificatePem: string;
  readonly privatePem: string;
}

/** A message as a foreign peer would have signed it: what is on the wire is not canonical, so canonicalization has work. */
async function foreign(size: number, { key, algorithm }: Signer): Promise<Buffer> {
  const timestamp = writeTimestamp('time', now, 300_000);
  const security = (signature: string) =>
    `<wsse:Security xmlns:wsse="${wsse}" s:mustUnderstand="1">${timestamp}` +
    `${insideHeader(writeBinaryToken('token', key.certificate))}${signature}</wsse:Security>`;
  const text = sampleMessage(size).toString('utf8');
  const ids = elementsById(scan(Buffer.from(text.replace('</s:Header>', `${security('')}</s:Header>`))));
  const parts = ['body', 'time', 'to', 'action', 'id', 'reply'].map((id) => {
    const element = ids.get(id);
    if (element === undefined) throw new Error(`no ${id}`);
    return { id, prefixes: [], digest: base64Digest(sha256, canonicalize(element, exclusive)) };
  });
  const content = writeSignedInfo(parts, algorithm, sha256);
  const value = await key.sign(algorithm, signedInfoOctets(content));
  const reference = insideHeader(writeTokenReference('direct', key.certificate, 'token'));
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

/** Milliseconds of a warm-up and of a turn: twenty rows of up to five contenders are to stay below 150 seconds. */
const LONGEST = 400;
const TURN = 90;

/** A contender whose every operation takes long has one turn that counts. */
function sparing(one: Contender | undefined): Contender | undefined {
  if (one === undefined) return undefined;
  let known: number | undefined;
  return async (milliseconds) => {
    if (known !== undefined && known < 4) return known;
    known = await one(Math.min(milliseconds, LONGEST));
    return known;
  };
}

/** WSS4J doing one request again and again; longer at first, so that what is compiled while running is. */
function java(peer: Wss4j | undefined, request: Readonly<Record<string, unknown>>): Contender | undefined {
  if (peer === undefined) return undefined;
  let warm = 1_500;
  return async (milliseconds) => {
    const each = await peer.time(request, warm, Math.min(milliseconds, LONGEST));
    warm = 0;
    return 1000 / each;
  };
}

async function wss4jPeer(all: Parties, secret: Uint8Array, identifier: string): Promise<Wss4j | undefined> {
  try {
    const octets = Buffer.from(secret).toString('base64');
    const secrets = { [identifier]: octets, [contextIdentifier]: octets };
    return await wss4j(await buildWss4j(), all, { secrets });
  } catch (thrown) {
    if (thrown instanceof NotInstalled) return undefined;
    throw thrown;
  }
}

const soap = 'http://www.w3.org/2003/05/soap-envelope';
const addressing = 'http://www.w3.org/2005/08/addressing';
const utility = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const sixParts: readonly MessagePart[] = [
  ['Body', soap],
  ['Timestamp', utility],
  ...['To', 'Action', 'MessageID', 'ReplyTo'].map((local) => [local, addressing] as const),
];

export async function rows(report: (line: string) => void): Promise<readonly Row[]> {
  const python = await PythonPeer.start(XMLSEC);
  const crypto = await xmlCrypto();
  const all = await parties();
  const secret = createSecretKey(systemRandom.bytes(32));
  const identifier = systemRandom.bytes(20);
  const shared = Buffer.from(identifier).toString('base64');
  const peer = await wss4jPeer(all, secret.export(), shared);
  const found: Row[] = [];
  const context: Context = { all, python, crypto, peer, add };
  for (const kind of ['client', 'p256'] as const) await certificateRows(context, kind);
  await secretRows(context, { values: [], secret: { key: secret, identifier }, certificate: undefined }, shared);
  python?.stop();
  await peer?.stop();
  return found;

  async function add(comparison: Parameters<typeof compare>[0]): Promise<void> {
    const surewire: Contender = (milliseconds) => comparison.surewire(Math.min(milliseconds, LONGEST));
    const peers = Object.entries(comparison.peers).map(([name, one]) => [name, sparing(one)] as const);
    const row = await compare({ turn: TURN, ...comparison, surewire, peers: Object.fromEntries(peers) });
    report(line(row));
    found.push(row);
  }
}

interface Context {
  readonly all: Parties;
  readonly python: PythonPeer | undefined;
  readonly crypto: XmlCrypto | undefined;
  readonly peer: Wss4j | undefined;
  add(comparison: Parameters<typeof compare>[0]): Promise<void>;
}

/** Without its signature's values, for a peer that puts them in. */
function templateOf(message: Buffer): Buffer {
  const text = message.toString('utf8');
  return Buffer.from(
    text
      .replace(/<ds:DigestValue>[^<]*/g, '<ds:DigestValue>')
      .replace(/<ds:SignatureValue>[^<]*/, '<ds:SignatureValue>'),
  );
}

async function certificateRows({ all, python, crypto, peer, add }: Context, kind: 'client' | 'p256'): Promise<void> {
  const signer = signerOf(all, kind);
  const isRsa = kind === 'client';
  for (const [size, name] of isRsa ? SIZES : SIZES.slice(1, 2)) {
    now = systemClock.now();
    const message = await foreign(size, signer);
    const other = signingKey({ privateKey: all.of.service.key, certificate: all.of.service.certificate });
    const inbound = x509Signed({ key: other, trust: trustChain({ anchors: all.authority }) }).inbound;
    const around = { now, replay: { remember: () => true }, peer: undefined };
    const verify = () => examine(readEnvelope(scan(message)), inbound, around);
    await verify();
    const rsa = isRsa ? crypto : undefined;
    const withCrypto = (one: Contender | undefined) => (isRsa ? { 'xml-crypto': one } : {});
    await add({
      work: `verify ${signer.name}, six parts`,
      size: name,
      surewire: awaited(verify, processor),
      peers: {
        ...withCrypto(rsa && contender(rsa.verify(message, signer.certificatePem), processor)),
        xmlsec1: await python?.contender('verify', { xml: message, cert: Buffer.from(signer.certificatePem) }, 'busy'),
        WSS4J: java(peer, { op: 'process', envelope: message.toString('utf8'), quiet: true }),
      },
    });
    const protector = new Protector(signer.policy.outbound, systemRandom);
    const unsigned = fresh(readEnvelope(scan(sampleMessage(size))));
    const sign = async () => encodeEnvelope(await protector.protect(fresh(unsigned), now));
    await sign();
    const bare = Buffer.from(message.toString('utf8').replace(/<ds:Signature .*<\/ds:Signature>/, ''));
    const privateKey = createPrivateKey(signer.privatePem);
    const few = message.subarray(0, 2_000);
    const steps = [
      { do: 'timestamp' },
      { do: 'signature', alias: kind, algorithm: signer.algorithm.uri, parts: sixParts },
    ];
    await add({
      work: `sign ${signer.name}, six parts`,
      size: name,
      surewire: awaited(sign, processor),
      peers: {
        'raw crypto': contender(() => [hash('sha256', message), signRaw('sha256', few, privateKey)], processor),
        ...withCrypto(rsa && contender(rsa.sign(bare, signer.privatePem), processor)),
        xmlsec1: await python?.contender(
          'sign',
          { xml: templateOf(message), key: Buffer.from(signer.privatePem) },
          'busy',
        ),
        WSS4J: java(peer, { op: 'secure', envelope: sampleMessage(size).toString('utf8'), steps }),
      },
    });
  }
}

/** What makes WSS4J's step one of a secure conversation: under keys derived of the secret of a SecurityContextToken. */
const contextIdentifier = 'urn:uuid:5f0c6d0e-2f1e-4c6e-9a0c-6f6f0e0c0a01';
const inConversation = { shared: undefined, context: contextIdentifier, derived: 2 } as const;
const conversation = 'http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512';

/** Under a secret that both ends have, as in every message of a session but its first. */
async function secretRows({ all, python, peer, add }: Context, exchange: Exchange, shared: string): Promise<void> {
  const { reply } = anonymousForCertificate({
    ...{ key: signingKey({ privateKey: all.of.service.key, certificate: all.of.service.certificate }) },
    ...{ derivedKeys: false, encryptSignature: false, confirmSignatures: false },
  });
  const { inbound, outbound } = reply;
  if (inbound.encryption === undefined || outbound.encryption === undefined) throw new Error('the preset encrypts');
  const signedOnly = {
    inbound: { ...inbound, encryption: { ...inbound.encryption, body: false } },
    outbound: { ...outbound, encryption: { ...outbound.encryption, body: false } },
  };
  const secret = exchange.secret?.key.export() ?? new Uint8Array();
  const conversing = contextProtection({ suite: algorithmSuite('Basic256Sha256'), encryptSignature: false });
  const context = { identifier: contextIdentifier, instance: undefined, token: undefined };
  const known = { ...context, key: createSecretKey(secret), namespace: conversation };
  const contexts: ContextSource = { namespace: conversation, find: () => known };
  for (const [size, name] of SIZES) {
    now = systemClock.now();
    const around = { now, replay: { remember: () => true }, peer: undefined, exchange, contexts };
    const plain = sampleMessage(size);
    const unsigned = fresh(readEnvelope(scan(plain)));
    for (const [directions, what, suite, more] of [
      [signedOnly, 'HMAC-SHA256', 'Aes256GcmSha256', {}],
      [reply, 'HMAC-SHA256 and AES-256-GCM', 'Aes256GcmSha256', {}],
      [conversing, 'a conversation, HMAC-SHA256 and AES-256-CBC', 'Basic256Sha256', inConversation],
    ] as const) {
      const encrypts = directions !== signedOnly;
      // In between, sizes tell nothing new of it.
      if (directions === conversing && size !== 10_000 && size !== 1_000_000) continue;
      const step = {
        ...{ do: 'session', shared, order: encrypts ? 'sign-encrypt' : 'sign', parts: sixParts, ...more },
        ...{ content: algorithmSuite(suite).content.uri, encrypted: [['Body', soap, 'Content']] },
      };
      const request = { op: 'secure', envelope: plain.toString('utf8'), steps: [{ do: 'timestamp' }, step] };
      const protector = new Protector(directions.outbound, systemRandom);
      const under = { ...exchange, context: known };
      const sign = async () => encodeEnvelope((await protector.secure(fresh(unsigned), now, under)).message);
      // What WSS4J wrote where it is here: a peer's message is not in canonical form.
      const made = await peer?.secure(request.envelope, request.steps as readonly Step[]);
      const message = made === undefined ? Buffer.from(await sign()) : Buffer.from(made.envelope);
      const verify = () => examine(readEnvelope(scan(message)), directions.inbound, around);
      await verify();
      const sealed = { xml: message, secret };
      await add({
        work: `verify${encrypts ? ' and decrypt' : ''} ${what}, six parts`,
        size: name,
        surewire: awaited(verify, processor),
        peers: {
          ...(!encrypts && { xmlsec1: await python?.contender('verify_hmac', sealed, 'busy') }),
          WSS4J: java(peer, { op: 'process', envelope: message.toString('utf8'), quiet: true }),
        },
      });
      if (encrypts) continue;
      await add({
        work: `sign ${what}, six parts`,
        size: name,
        surewire: awaited(sign, processor),
        peers: {
          xmlsec1: await python?.contender('sign_hmac', { xml: templateOf(message), secret }, 'busy'),
          WSS4J: java(peer, request),
        },
      });
    }
  }
}

function signerOf(all: Parties, kind: 'client' | 'p256'): Signer {
  const { key: privatePem, certificate: certificatePem } = all.of[kind];
  const key = signingKey({ privateKey: privatePem, certificate: certificatePem });
  return {
    name: kind === 'client' ? 'RSA-2048-SHA256' : 'ECDSA-P256-SHA256',
    key,
    policy: x509Signed({ key, trust: trustChain({ anchors: all.authority }) }),
    algorithm: key.algorithm,
    certificatePem,
    privatePem,
  };
}
