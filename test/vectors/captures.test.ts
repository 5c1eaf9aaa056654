/**
 * What gSOAP, CXF and Metro said to surewire, recorded with the peers themselves (README.md beside the files), replayed without
 * them: every message verifies and decrypts under the policy it was sent under, and our acceptor, given the requests, executes
 * each of them once and in order.
 */
import { createHash, createSecretKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Clock, instant, systemClock } from '../../src/base/clock.ts';
import { type Delivery, delivery } from '../../src/channel/delivery.ts';
import { underContext } from '../../src/conversation/party.ts';
import { readRequest } from '../../src/conversation/requests.ts';
import { readIssued } from '../../src/conversation/responses.ts';
import { computedKey } from '../../src/conversation/secret.ts';
import { settingsOf } from '../../src/conversation/settings.ts';
import { conversation200512 } from '../../src/conversation/versions/v200512.ts';
import { readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import { highest } from '../../src/reliable/ranges.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { algorithmSuite, unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';
import { certificates } from '../../src/security/certificates.ts';
import type { Decrypter } from '../../src/security/encryption/decrypter.ts';
import { evidence } from '../../src/security/evidence.ts';
import type { ContextSource } from '../../src/security/exchange.ts';
import { Guard } from '../../src/security/guard.ts';
import { readSecurityHeader } from '../../src/security/header.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { readTime } from '../../src/security/timestamp.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import type { Recording } from '../interop/recordings.ts';
import { acceptorEnd } from '../reliable/ends.ts';
import { exchangesIn, type RecordedExchange } from '../reliable/recorded.ts';
import { type Issued, issue } from '../security/pki.ts';

const folder = join(import.meta.dirname, 'captures');
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as readonly Recording[];
const certificate = (name: string): string => readFileSync(join(folder, 'pki', `${name}.pem`), 'utf8');
const namespace = 'urn:surewire:interop';

/** Signs nothing here: what is replayed was signed already. */
let nobody: Issued;
beforeAll(async () => {
  nobody = await issue({ name: 'nobody', kind: 'rsa' });
});

/** Opens what the recording opens, in place of the private keys that are not committed. */
function opener({ keys }: Recording): Decrypter {
  const known = new Map(keys.map(({ ciphertext, key }) => [ciphertext, Buffer.from(key, 'base64')]));
  return {
    unwrap: (operation) => {
      if (operation.kind === 'agreement') throw new Error('Nothing was agreed on.');
      const found = known.get(createHash('sha256').update(operation.octets).digest('base64'));
      if (found === undefined) throw new Error('The recording does not open this EncryptedKey.');
      return found;
    },
  };
}

const sha1 = algorithmSuite('Basic256Sha256', { unsafe: [unsafeSuiteSha1], reading: 'as-written' });
const gcm = algorithmSuite('Aes256GcmSha256');

/** Mutual certificates, as the party `own`. */
function mutual(of: Recording, own: 'client' | 'service'): SecurityPolicy {
  const other = own === 'client' ? 'service' : 'client';
  const [mine] = certificates(certificate(own));
  if (mine === undefined) throw new Error('There is no certificate.');
  return mutualCertificateWss10({
    key: nobody.key(),
    decryption: { certificate: mine, decrypter: opener(of) },
    peer: certificate(other),
    suite: of.peer === 'metro' || of.mode === 'conversation' ? sha1 : gcm,
  });
}

/** The recorded clock. */
let now = instant(0);
const clock: Clock = { now: () => now, at: systemClock.at };
function arriving(of: Message): Delivery {
  const created = readSecurityHeader(of)?.timestamp?.children[0];
  if (created !== undefined) now = readTime(created);
  return delivery(of);
}

interface OpenedExchange {
  readonly request: Delivery;
  readonly answer: Message | undefined;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The recording lacks a message.');
  return value;
}

/** What both ends read of each exchange. */
async function opened(of: Recording, exchanges: readonly RecordedExchange[]): Promise<readonly OpenedExchange[]> {
  if (of.mode === 'plain') {
    return exchanges.map(({ request, response }) => ({
      request: delivery(required(request.message)),
      answer: response?.message,
    }));
  }
  const around = { clock, replay: { remember: () => true } };
  const [serving, asking] = [mutual(of, 'service'), mutual(of, 'client')];
  if (of.mode !== 'conversation') return through(exchanges, new Guard(serving, around), new Guard(asking, around));
  const [first, ...rest] = exchanges;
  const [bootstrap] = await through([required(first)], new Guard(serving, around), new Guard(asking, around));
  const version = conversation200512;
  const request = readRequest(version, required(bootstrap && payload(bootstrap.request.message)), () => undefined);
  if (request.kind !== 'issue') throw new Error('The recording does not begin with a request for a context.');
  const issued = readIssued(version, required(bootstrap?.answer && payload(bootstrap.answer)));
  const secret = computedKey(request.entropy, issued.entropy, issued.keySize ?? request.keySize);
  const contexts: ContextSource = {
    namespace: version.namespace,
    find: () => ({
      identifier: issued.identifier,
      instance: undefined,
      key: createSecretKey(secret),
      namespace: version.namespace,
      token: { fragment: issued.token, id: issued.id },
    }),
  };
  const settings = settingsOf({ ...around, bootstrap: serving, suite: sha1, encryptSignature: false });
  const guard = (policy: SecurityPolicy) => new Guard(policy, around, contexts);
  const isCancel = ({ request: { message: of } }: RecordedExchange) => of?.action === version.actions.cancel;
  const [session, cancellation] = [guard(settings.session), guard(settings.cancellation)];
  return [
    ...(await through(
      rest.filter((one) => !isCancel(one)),
      session,
      session,
    )),
    ...(await through(rest.filter(isCancel), cancellation, cancellation)),
  ];
}

/** Requests as the service reads them, answers as the client does. */
async function through(
  exchanges: readonly RecordedExchange[],
  service: Guard,
  client: Guard,
): Promise<readonly OpenedExchange[]> {
  const [reader] = certificates(certificate('service'));
  const found: OpenedExchange[] = [];
  for (const { request, response } of exchanges) {
    const asked = await service.examineRequest(arriving(required(request.message)));
    const left = { ...asked.exchange, ...(reader !== undefined && { certificate: reader }) };
    const answered =
      response?.message === undefined ? undefined : await client.examineReply(arriving(response.message), left);
    const { context } = asked.exchange;
    const heard = context === undefined ? asked.delivery : underContext(asked.delivery, context, undefined, 'context');
    found.push({ request: heard, answer: answered?.delivery.message });
  }
  return found;
}

/** What both ends executed. */
async function service(trip: Delivery): Promise<Delivery> {
  const asked = payload(trip.message);
  const text = asked?.children[0]?.text ?? '';
  const writer = new XmlWriter().start(namespace, 'echoResponse', '').element(namespace, 'text', text, '').end();
  const body = writer.finish();
  return trip.carrying(message({ version: trip.message.version, action: `${namespace}/echoResponse`, body }));
}

test('every recording is in the manifest, and every peer at both ends in both versions', () => {
  const folders = readdirSync(folder, { withFileTypes: true }).filter((one) => one.isDirectory() && one.name !== 'pki');
  expect(folders.map(({ name }) => name).toSorted()).toEqual(manifest.map(({ name }) => name));
  for (const peer of ['cxf', 'gsoap', 'metro']) {
    for (const peerIs of ['client', 'server']) {
      for (const version of ['1.0', '1.1']) {
        expect(manifest.some((one) => one.peer === peer && one.peerIs === peerIs && one.version === version)).toBe(
          true,
        );
      }
    }
  }
});

test('no private key is in a recording', () => {
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (/\.(http|pem|json|md)$/.test(file)) expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/PRIVATE KEY/);
  }
});

describe.each(manifest)('$name, $release', (of) => {
  const version = of.version === '1.0' ? reliable200502 : reliable200702;

  test('every message verifies and decrypts, and our acceptor executes what was asked', async () => {
    const exchanges = await opened(of, exchangesIn(join(folder, of.name)));
    if (of.mode !== 'plain') {
      for (const { request } of exchanges) {
        const signed = [...(request.get(evidence)?.signed ?? [])].map((part) => part.replace(/.*}/, ''));
        expect(signed).toEqual(expect.arrayContaining(['Body', 'Timestamp', 'Action']));
      }
    }
    const created = exchanges.find(({ request }) => request.message.action === version.actions.createSequence);
    const { id } = readCreateSequenceResponse(version, required(created?.answer));
    const executed: string[] = [];
    const end = acceptorEnd(
      { clock, newIdentifier: (use) => (use === 'sequence' ? id : `urn:uuid:${use}`) },
      async (trip) => {
        executed.push(payload(trip.message)?.children[0]?.text ?? '');
        return service(trip);
      },
    );
    for (const { request } of exchanges) {
      if (!readHeaders(request.message) && !request.message.action.startsWith(version.namespace)) continue;
      const found = request.get(evidence);
      await end.ask(request.message, (trip) => (found === undefined ? trip : trip.with(evidence, found)));
    }
    expect(executed).toEqual([expect.stringMatching(/^message 1 .*x$/), expect.stringMatching(/^message 2 .*x$/)]);
    expect(executed).toHaveLength(of.messages);
  });

  test('the answers acknowledge every message, and number every reply', async () => {
    const exchanges = await opened(of, exchangesIn(join(folder, of.name)));
    const answers = exchanges.flatMap(({ answer }) => (answer === undefined ? [] : [readHeaders(answer)]));
    const acknowledged = answers.flatMap((headers) => headers?.acknowledgements ?? []);
    expect(acknowledged.some(({ ranges }) => highest(ranges) === of.messages)).toBe(true);
    const numbers = answers.flatMap((headers) => headers?.sequence?.number ?? []);
    expect(numbers.slice(0, of.messages)).toEqual(Array.from({ length: of.messages }, (_, at) => at + 1));
  });
});
