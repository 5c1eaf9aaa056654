/**
 * A recording of test/vectors/captures-issued opened as the service opened it: its private key is not committed, and the symmetric keys of
 * the manifest stand in its place.
 */
import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, instant, systemClock } from '../../src/base/clock.ts';
import { type Delivery, delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import { underContext } from '../../src/conversation/party.ts';
import { readRequest } from '../../src/conversation/requests.ts';
import { readIssued } from '../../src/conversation/responses.ts';
import { computedKey } from '../../src/conversation/secret.ts';
import { settingsOf } from '../../src/conversation/settings.ts';
import { conversation200512 as conversation } from '../../src/conversation/versions/v200512.ts';
import { algorithmSuite, unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';
import { certificates } from '../../src/security/certificates.ts';
import type { ContextSource } from '../../src/security/exchange.ts';
import { Guard } from '../../src/security/guard.ts';
import { readSecurityHeader } from '../../src/security/header.ts';
import { issuedTokenForCertificate, issuedTokenOverTransport } from '../../src/security/presets/issued-token.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { readTime } from '../../src/security/timestamp.ts';
import { unsafeAnyAudience } from '../../src/security/tokens/claims.ts';
import { openHeldKey } from '../../src/security/tokens/held-key.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import type { Recording } from '../interop/recordings.ts';
import { exchangesIn, type RecordedExchange } from '../reliable/recorded.ts';
import { type Issued, issue } from '../security/pki.ts';
import { opener, required } from './replayed.ts';

export const issuedFolder: string = join(import.meta.dirname, 'captures-issued');
export const issuedRecordings = JSON.parse(
  readFileSync(join(issuedFolder, 'manifest.json'), 'utf8'),
) as readonly Recording[];

const suite = algorithmSuite('Basic256Sha256', { unsafe: [unsafeSuiteSha1], reading: 'as-written' });

let now = instant(0);
/** The time at which the message that is read was secured. */
export const issuedClock: Clock = { now: () => now, at: systemClock.at };
const around = { clock: issuedClock, replay: { remember: () => true } };

/** Signs what this process answers: what is replayed was signed already. */
let nobody: Promise<Issued> | undefined;

function certificateOf(name: string) {
  return required(certificates(readFileSync(join(issuedFolder, 'pki', `${name}.pem`), 'utf8'))[0]);
}

/** What the recorded service takes of assertions. */
async function policyOf(of: Recording, issuer: string): Promise<SecurityPolicy> {
  nobody ??= issue({ name: 'nobody', kind: 'rsa' });
  const key = (await nobody).key();
  const decryption = { certificate: certificateOf('service'), decrypter: opener(of) };
  const saml = {
    issuers: [{ name: 'urn:surewire:interop:issuer', trust: trustPeers(certificateOf(issuer)) }],
    // Its port was free that day.
    audiences: unsafeAnyAudience,
    openKey: openHeldKey([decryption], suite.accepted.encryption),
  } as const;
  if (of.mode === 'issued-certificate') {
    const plain = { confirmSignatures: false, derivedKeys: false, encryptSignature: false };
    return issuedTokenForCertificate({ saml, suite, key, decryption, ...plain });
  }
  return issuedTokenOverTransport({
    saml,
    suite,
    confirmation: of.mode === 'issued-bearer' ? 'bearer' : 'holder-of-key',
  });
}

function arriving(of: Message): Delivery {
  const created = readSecurityHeader(of)?.timestamp?.children[0];
  if (created !== undefined) now = readTime(created);
  return delivery(of).with(peer, { secure: true });
}

/** The context that the first exchange has agreed on. */
function contextOf({ request, response }: RecordedExchange): ContextSource {
  const asked = readRequest(conversation, required(payload(required(request.message))), () => undefined);
  if (asked.kind !== 'issue') throw new Error('The recording does not begin with a request for a context.');
  const issued = readIssued(conversation, required(payload(required(response?.message))));
  const key = createSecretKey(computedKey(asked.entropy, issued.entropy, issued.keySize ?? asked.keySize));
  const { identifier, token: fragment, id } = issued;
  const context = { identifier, instance: undefined, key, namespace: conversation.namespace };
  return { namespace: conversation.namespace, find: () => ({ ...context, token: { fragment, id } }) };
}

/**
 * Every request as the service read it.
 *
 * @param issuer whose signature the service believes
 * @throws SecurityError where a request is not what it takes
 */
export async function requestsOf(of: Recording, issuer: string = 'issuer'): Promise<readonly Delivery[]> {
  const policy = await policyOf(of, issuer);
  const exchanges = exchangesIn(join(issuedFolder, of.name));
  const requests = exchanges.map(({ request }) => required(request.message));
  const taken = async (guard: Guard, one: Message): Promise<Delivery> => {
    const { delivery: heard, exchange } = await guard.examineRequest(arriving(one));
    const { context } = exchange;
    return context === undefined ? heard : underContext(heard, context, undefined, 'context');
  };
  const bootstrap = new Guard(policy, around);
  const found: Delivery[] = [];
  let session = bootstrap;
  for (const [at, one] of requests.entries()) {
    found.push(await taken(session, one));
    if (at === 0 && of.mode === 'issued-conversation') {
      const { session: under } = settingsOf({ ...around, bootstrap: policy, suite });
      session = new Guard(under, around, contextOf(required(exchanges[0])));
    }
  }
  return found;
}
