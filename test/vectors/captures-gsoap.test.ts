/**
 * What gSOAP's wsseapi and wsrmapi said to surewire, recorded with the peer itself, replayed without it: every message verifies,
 * headers of the sequence included, our acceptor executes the requests once and in order, and nothing can be changed.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Clock, type Instant, instant, systemClock } from '../../src/base/clock.ts';
import { type Delivery, delivery } from '../../src/channel/delivery.ts';
import { readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import { highest } from '../../src/reliable/ranges.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { evidence } from '../../src/security/evidence.ts';
import { Guard } from '../../src/security/guard.ts';
import { x509Signed } from '../../src/security/policy.ts';
import type { SecurityPolicy } from '../../src/security/protection.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { encodeEnvelope, payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { acceptorEnd } from '../reliable/ends.ts';
import { exchangesIn } from '../reliable/recorded.ts';
import { issue } from '../security/pki.ts';
import { read } from '../security/rig.ts';
import { createdAt, required } from './replayed.ts';

const folder = join(import.meta.dirname, 'captures-gsoap');
const names = readdirSync(folder).filter((name) => name !== 'pki');
const certificate = (name: string): string => readFileSync(join(folder, 'pki', `${name}.pem`), 'utf8');
const nobody = issue({ name: 'nobody', kind: 'rsa' });

/** What test/interop/gsoap-protection.ts says, for whoever has no private key. */
async function policyOf(name: string, own: 'client' | 'service'): Promise<SecurityPolicy> {
  const trust = trustPeers(certificate(own === 'client' ? 'service' : 'client'));
  const key = (await nobody).key();
  if (own === 'client' || !name.includes('vouched')) return x509Signed({ key, trust });
  const issuers = [{ name: 'urn:surewire:interop:issuer', trust: trustPeers(certificate('issuer')) }];
  const audiences = ['urn:surewire:interop:service'];
  return x509Signed({ key, trust, saml: { issuers, audiences, confirmations: ['sender-vouches'], unsigned: true } });
}

let now: Instant = instant(0);
const clock: Clock = { now: () => now, at: systemClock.at };
function arriving(of: Message): Delivery {
  now = createdAt(of) ?? now;
  return delivery(of);
}

interface Read {
  readonly request: Delivery;
  readonly answer: Delivery | undefined;
}

/** What both ends read of each exchange, and of its request after `change`. */
async function opened(
  name: string,
  change: (request: Message) => Message = (request) => request,
): Promise<readonly Read[]> {
  const around = { clock, replay: { remember: () => true } };
  const [service, client] = [await policyOf(name, 'service'), await policyOf(name, 'client')];
  const [serving, asking] = [new Guard(service, around), new Guard(client, around)];
  const found: Read[] = [];
  for (const { request, response } of exchangesIn(join(folder, name))) {
    const asked = await serving.examineRequest(arriving(change(required(request.message))));
    const answer = response?.message;
    const answered = answer && (await asking.examineReply(arriving(answer), asked.exchange));
    found.push({ request: asked.delivery, answer: answered?.delivery });
  }
  return found;
}

const signedIn = (of: Delivery): readonly string[] =>
  [...(of.get(evidence)?.signed ?? [])].map((part) => part.replace(/.*}/, ''));

test('no private key is in a recording', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((one) => /\.(http|pem)$/.test(one));
  expect(files.length).toBeGreaterThan(40);
  for (const file of files) expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/PRIVATE KEY/);
});

test('its client and its server, in both versions, are recorded', () => {
  expect(names.toSorted()).toEqual([
    'client-vouched-rm10',
    'client-vouched-rm11',
    'server-sign-rm10',
    'server-sign-rm11',
  ]);
});

describe.each(names)('%s', (name) => {
  const version = name.endsWith('rm10') ? reliable200502 : reliable200702;

  test('every message verifies, and the signature covers what steers the sequence', async () => {
    for (const { request, answer } of await opened(name)) {
      for (const one of answer === undefined ? [request] : [request, answer]) {
        expect(signedIn(one)).toEqual(expect.arrayContaining(['Body', 'Timestamp', 'Action']));
        const headers = readHeaders(one.message);
        if (headers?.sequence !== undefined) expect(signedIn(one)).toContain('Sequence');
        if ((headers?.acknowledgements.length ?? 0) > 0) expect(signedIn(one)).toContain('SequenceAcknowledgement');
      }
    }
  });

  test('the requests say who speaks, and for whom', async () => {
    for (const { request } of await opened(name)) {
      const { signer, user } = required(request.get(evidence));
      expect(signer?.name).toContain('CN=client');
      expect(user?.name).toBe(name.includes('vouched') ? 'alice' : undefined);
    }
  });

  test('our acceptor executes what was asked once and in order, and its answers acknowledge all of it', async () => {
    const exchanges = await opened(name);
    const created = exchanges.find(({ request }) => request.message.action === version.actions.createSequence);
    const { id } = readCreateSequenceResponse(version, required(created?.answer).message);
    const executed: (string | undefined)[] = [];
    const newIdentifier = (use: string): string => (use === 'sequence' ? id : `urn:uuid:${use}`);
    const end = acceptorEnd({ clock, newIdentifier }, async (trip) => {
      executed.push(payload(trip.message)?.children[0]?.text);
      return trip;
    });
    for (const { request } of exchanges) {
      await end.ask(request.message, (trip) => trip.with(evidence, required(request.get(evidence))));
    }
    expect(executed).toEqual([expect.stringMatching(/^message 1 /), expect.stringMatching(/^message 2 /)]);
    const told = exchanges.flatMap(({ answer }) => (answer && readHeaders(answer.message)?.acknowledgements) ?? []);
    expect(told.some(({ ranges }) => highest(ranges) >= 2)).toBe(true);
  });

  test('a message with another number is refused', async () => {
    const change = (request: Message): Message =>
      read(new TextDecoder().decode(encodeEnvelope(request)).replace(/(MessageNumber>)1</, '$12<'));
    await expect(opened(name, change)).rejects.toMatchObject({ code: 'SECURITY_DIGEST' });
  });
});
