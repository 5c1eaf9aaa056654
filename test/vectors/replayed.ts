/**
 * A recording of test/vectors/captures opened as both of its ends opened it: with the symmetric keys of the manifest in place of the
 * private keys that are not committed, at the time at which it was made.
 */
import { createHash, createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, type Instant, instant, systemClock } from '../../src/base/clock.ts';
import { type Delivery, delivery } from '../../src/channel/delivery.ts';
import { underContext } from '../../src/conversation/party.ts';
import { readRequest } from '../../src/conversation/requests.ts';
import { readIssued } from '../../src/conversation/responses.ts';
import { computedKey } from '../../src/conversation/secret.ts';
import { settingsOf } from '../../src/conversation/settings.ts';
import { conversation200512 } from '../../src/conversation/versions/v200512.ts';
import { algorithmSuite, unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';
import { certificates } from '../../src/security/certificates.ts';
import type { Decrypter } from '../../src/security/encryption/decrypter.ts';
import type { ContextSource } from '../../src/security/exchange.ts';
import { Guard } from '../../src/security/guard.ts';
import { readSecurityHeader } from '../../src/security/header.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { readTime } from '../../src/security/timestamp.ts';
import { payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import type { Recording } from '../interop/recordings.ts';
import { exchangesIn, type RecordedExchange } from '../reliable/recorded.ts';
import { type Issued, issue } from '../security/pki.ts';

export const recordingsFolder: string = join(import.meta.dirname, 'captures');
export const recordings = JSON.parse(
  readFileSync(join(recordingsFolder, 'manifest.json'), 'utf8'),
) as readonly Recording[];
const certificate = (name: string): string => readFileSync(join(recordingsFolder, 'pki', `${name}.pem`), 'utf8');

/** Signs what this process answers: what is replayed was signed already. */
let nobody: Promise<Issued> | undefined;

/** Opens what the recording opens, in place of the private keys that are not committed. */
export function opener({ keys }: Pick<Recording, 'keys'>): Decrypter {
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
export async function mutual(of: Recording, own: 'client' | 'service'): Promise<SecurityPolicy> {
  nobody ??= issue({ name: 'nobody', kind: 'rsa' });
  const other = own === 'client' ? 'service' : 'client';
  return mutualCertificateWss10({
    key: (await nobody).key(),
    decryption: { certificate: required(certificates(certificate(own))[0]), decrypter: opener(of) },
    peer: certificate(other),
    suite: of.peer === 'metro' || of.mode === 'conversation' ? sha1 : gcm,
  });
}

/** The recorded clock. */
let now = instant(0);
export const recordedClock: Clock = { now: () => now, at: systemClock.at };

/** The time at which a message was secured; undefined for one that was not. */
export function createdAt(of: Message): Instant | undefined {
  const created = readSecurityHeader(of)?.timestamp?.children[0];
  return created === undefined ? undefined : readTime(created);
}

function arriving(of: Message): Delivery {
  now = createdAt(of) ?? now;
  return delivery(of);
}

export interface OpenedExchange {
  readonly request: Delivery;
  readonly answer: Message | undefined;
}

/** @throws Error where a recording is not what it is said to be */
export function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The recording lacks a message.');
  return value;
}

const around = { clock: recordedClock, replay: { remember: () => true } };

/** What secures the messages of a recorded conversation, as its first exchange has agreed on it. */
export interface RecordedConversation {
  readonly contexts: ContextSource;
  readonly session: SecurityPolicy;
  readonly cancellation: SecurityPolicy;
}

export async function conversationOf(of: Recording): Promise<RecordedConversation> {
  const [serving, asking] = [await mutual(of, 'service'), await mutual(of, 'client')];
  const [first] = exchangesIn(join(recordingsFolder, of.name));
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
  const { session, cancellation } = settingsOf({ ...around, bootstrap: serving, suite: sha1, encryptSignature: false });
  return { contexts, session, cancellation };
}

/** What both ends read of each exchange of a recording. */
export async function opened(of: Recording): Promise<readonly OpenedExchange[]> {
  const exchanges = exchangesIn(join(recordingsFolder, of.name));
  if (of.mode === 'plain') {
    return exchanges.map(({ request, response }) => ({
      request: delivery(required(request.message)),
      answer: response?.message,
    }));
  }
  if (of.mode !== 'conversation') {
    const [service, client] = [await mutual(of, 'service'), await mutual(of, 'client')];
    return through(exchanges, new Guard(service, around), new Guard(client, around));
  }
  const { contexts, ...policies } = await conversationOf(of);
  const guard = (policy: SecurityPolicy) => new Guard(policy, around, contexts);
  const isCancel = ({ request: { message: one } }: RecordedExchange) =>
    one?.action === conversation200512.actions.cancel;
  const rest = exchanges.slice(1);
  const [session, cancellation] = [guard(policies.session), guard(policies.cancellation)];
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
