/**
 * Reliable sessions under SAML assertions, recorded with CXF and Metro inside HTTPS and replayed without them: our token service
 * issued the assertions, whose keys sign the Timestamp of each message. What a recording needs to be read is in its manifest, DEV
 * ONLY, as in captures/README.md.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Clock, instant, systemClock } from '../../src/base/clock.ts';
import { type Delivery, delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import { readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { algorithmSuite, unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';
import { certificates } from '../../src/security/certificates.ts';
import type { Decrypter } from '../../src/security/encryption/decrypter.ts';
import { evidence, naming } from '../../src/security/evidence.ts';
import { Guard } from '../../src/security/guard.ts';
import { readSecurityHeader } from '../../src/security/header.ts';
import { wsse } from '../../src/security/names.ts';
import { issuedTokenOverTransport } from '../../src/security/presets/issued-token.ts';
import { readTime } from '../../src/security/timestamp.ts';
import { unsafeAnyAudience } from '../../src/security/tokens/claims.ts';
import { openHeldKey } from '../../src/security/tokens/held-key.ts';
import { saml20 } from '../../src/security/tokens/saml.ts';
import { trustPeers } from '../../src/security/trust.ts';
import { payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import type { Recording } from '../interop/recordings.ts';
import { acceptorEnd, saying } from '../reliable/ends.ts';
import { exchangesIn } from '../reliable/recorded.ts';

const folder = join(import.meta.dirname, 'captures-issued');
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as readonly Recording[];
const suite = algorithmSuite('Basic256Sha256', { unsafe: [unsafeSuiteSha1], reading: 'as-written' });

function certificateOf(name: string) {
  const [found] = certificates(readFileSync(join(folder, 'pki', `${name}.pem`), 'utf8'));
  if (found === undefined) throw new Error('There is no certificate.');
  return found;
}

/** What the recorded service takes, with the keys of the manifest in place of its private key. */
function guardOf({ keys }: Recording, clock: Clock): Guard {
  const known = new Map(keys.map(({ ciphertext, key }) => [ciphertext, Buffer.from(key, 'base64')]));
  const decrypter: Decrypter = {
    unwrap: (operation) => {
      if (operation.kind === 'agreement') throw new Error('Nothing was agreed on.');
      const found = known.get(createHash('sha256').update(operation.octets).digest('base64'));
      if (found === undefined) throw new Error('The recording does not open this EncryptedKey.');
      return found;
    },
  };
  const openKey = openHeldKey([{ certificate: certificateOf('service'), decrypter }], suite.accepted.encryption);
  const issuers = [{ name: 'urn:surewire:interop:issuer', trust: trustPeers(certificateOf('issuer')) }];
  // Its port was free that day.
  const saml = { issuers, audiences: unsafeAnyAudience, openKey } as const;
  return new Guard(issuedTokenOverTransport({ saml, suite }), { clock, replay: { remember: () => true } });
}

const textOf = (of: Message | undefined) => new TextDecoder().decode(of?.source?.bytes);
function assertionNamed(id: string): XmlElement {
  const identifier = `<o:KeyIdentifier ValueType="${saml20.identifierType}">${id}</o:KeyIdentifier>`;
  return XmlFragment.parse(`<o:SecurityTokenReference xmlns:o="${wsse}">${identifier}</o:SecurityTokenReference>`)
    .element;
}

test('every recording is in the manifest, and bears no private key', () => {
  const folders = readdirSync(folder, { withFileTypes: true }).filter((one) => one.isDirectory() && one.name !== 'pki');
  expect(folders.map(({ name }) => name).toSorted()).toEqual(manifest.map(({ name }) => name));
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (/\.(http|pem|json)$/.test(file)) expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/PRIVATE KEY/);
  }
});

describe.each(manifest)('$name, $release', (of) => {
  const version = of.version === '1.0' ? reliable200502 : reliable200702;
  let now = instant(0);
  const clock: Clock = { now: () => now, at: systemClock.at };
  const arriving = (one: Message | undefined): Delivery => {
    if (one === undefined) throw new Error('The recording lacks a message.');
    const created = readSecurityHeader(one)?.timestamp?.children[0];
    if (created !== undefined) now = readTime(created);
    return delivery(one).with(peer, { secure: true });
  };

  test('the token of every request says alice, and our acceptor executes what was asked', async () => {
    const guard = guardOf(of, clock);
    const exchanges = exchangesIn(join(folder, of.name));
    const { createSequence } = version.actions;
    const created = exchanges.find(({ request }) => request.message?.action === createSequence)?.response?.message;
    if (created === undefined) throw new Error('The recording lacks a sequence.');
    const { id } = readCreateSequenceResponse(version, created);
    const executed: string[] = [];
    const end = acceptorEnd(
      { clock, newIdentifier: (use) => (use === 'sequence' ? id : `urn:uuid:${use}`) },
      async (trip) => {
        executed.push(payload(trip.message)?.children[0]?.text ?? '');
        return trip.carrying(saying('heard', trip.message.version, 'urn:surewire:interop/echoResponse'));
      },
    );
    for (const { request } of exchanges) {
      const asked = await guard.examineRequest(arriving(request.message));
      const found = asked.delivery.get(evidence);
      expect(found?.user?.name).toBe('alice');
      // As WSS SAML Token Profile 1.1 section 3.4 has it, and as these peers name it in their own signatures.
      const [, id = ''] = /<\w+:Assertion [^>]*\b(?:AssertionID|ID)="([^"]+)"/.exec(textOf(request.message)) ?? [];
      expect([id, `${id}x`].map((one) => asked.delivery.get(naming)?.(assertionNamed(one)))).toEqual([true, false]);
      const { message } = asked.delivery;
      if (!readHeaders(message) && !message.action.startsWith(version.namespace)) continue;
      await end.ask(message, (trip) => (found === undefined ? trip : trip.with(evidence, found)));
    }
    expect(executed).toEqual([expect.stringMatching(/^message 1 .*x$/), expect.stringMatching(/^message 2 .*x$/)]);
  });

  test('without the key in the manifest nothing is taken', async () => {
    const [first] = exchangesIn(join(folder, of.name));
    await expect(
      guardOf({ ...of, keys: [] }, clock).examineRequest(arriving(first?.request.message)),
    ).rejects.toThrow();
  });
});
