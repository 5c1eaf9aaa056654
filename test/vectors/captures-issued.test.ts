/**
 * Reliable sessions under SAML assertions, recorded with CXF and Metro inside HTTPS and replayed without them: our token service
 * issued the assertions. Their keys sign the Timestamp of each message or ask for a security context, they are shown by their bearer, or
 * stand under the secret that signs and encrypts the message. What a recording needs to be read is in its manifest, DEV ONLY, as in
 * captures/README.md.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readHeaders } from '../../src/reliable/headers.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { evidence, naming } from '../../src/security/evidence.ts';
import { wsse } from '../../src/security/names.ts';
import { saml11, saml20 } from '../../src/security/tokens/saml.ts';
import { payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { acceptorEnd, saying } from '../reliable/ends.ts';
import { exchangesIn } from '../reliable/recorded.ts';
import { required } from './replayed.ts';
import {
  issuedClock as clock,
  issuedFolder as folder,
  issuedRecordings as manifest,
  requestsOf,
} from './replayed-issued.ts';

const textOf = (of: Message) => new TextDecoder().decode(of.source?.bytes);
/** As WSS SAML Token Profile 1.1 section 3.4 has it. */
function assertionNamed(type: string, id: string): XmlElement {
  const identifier = `<o:KeyIdentifier ValueType="${type}">${id}</o:KeyIdentifier>`;
  return XmlFragment.parse(`<o:SecurityTokenReference xmlns:o="${wsse}">${identifier}</o:SecurityTokenReference>`)
    .element;
}

const modes = ['issued', 'issued-saml11', 'issued-bearer', 'issued-conversation', 'issued-certificate'];

test('every recording is in the manifest, and bears no private key', () => {
  const folders = readdirSync(folder, { withFileTypes: true }).filter((one) => one.isDirectory() && one.name !== 'pki');
  expect(folders.map(({ name }) => name).toSorted()).toEqual(manifest.map(({ name }) => name));
  for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (/\.(http|pem|json)$/.test(file)) expect(readFileSync(join(folder, file), 'utf8')).not.toMatch(/PRIVATE KEY/);
  }
});

test('there is a recording of each mode at every end that does it live', () => {
  const ends = ['cxf client', 'cxf server', 'metro server'].flatMap((end) => modes.map((mode) => `${end} ${mode}`));
  for (const version of ['1.0', '1.1']) {
    const recorded = manifest.filter((one) => one.version === version);
    expect(recorded.map(({ peer, peerIs, mode }) => `${peer} ${peerIs} ${mode}`).toSorted()).toEqual(
      [...ends, 'metro client issued-conversation'].toSorted(),
    );
  }
});

describe.each(manifest)('$name, $release', (of) => {
  const version = of.version === '1.0' ? reliable200502 : reliable200702;

  test('the token says alice, and our acceptor executes what was asked', async () => {
    const requests = await requestsOf(of);
    const [id] = requests.flatMap(({ message }) => readHeaders(message)?.sequence?.id ?? []);
    if (id === undefined) throw new Error('The recording lacks a sequence.');
    const executed: string[] = [];
    const end = acceptorEnd(
      { clock, newIdentifier: (use) => (use === 'sequence' ? id : `urn:uuid:${use}`) },
      async (trip) => {
        executed.push(payload(trip.message)?.children[0]?.text ?? '');
        return trip.carrying(saying('heard', trip.message.version, 'urn:surewire:interop/echoResponse'));
      },
    );
    const isUnderContext = of.mode === 'issued-conversation';
    for (const [position, request] of requests.entries()) {
      const { message } = request;
      const found = request.get(evidence);
      if (isUnderContext && position > 0) expect(found?.signer?.kind).toBe('context');
      else expect(found?.user?.name).toBe('alice');
      if (!readHeaders(message) && !message.action.startsWith(version.namespace)) continue;
      await end.ask(message, (trip) => (found === undefined ? trip : trip.with(evidence, found)));
    }
    expect(executed).toEqual([expect.stringMatching(/^message 1 .*x$/), expect.stringMatching(/^message 2 .*x$/)]);
  });

  const identifiers = { issued: saml20.identifierType, 'issued-saml11': saml11.identifierType };
  const { mode } = of;
  if (mode === 'issued' || mode === 'issued-saml11') {
    test('each request names its assertion as these peers do in their own signatures, and no other', async () => {
      const recorded = exchangesIn(join(folder, of.name));
      for (const [at, request] of (await requestsOf(of)).entries()) {
        const text = textOf(required(recorded[at]?.request.message));
        const [, id = ''] = /<\w+:Assertion [^>]*\b(?:AssertionID|ID)="([^"]+)"/.exec(text) ?? [];
        const named = (one: string) => request.get(naming)?.(assertionNamed(identifiers[mode], one));
        expect([id, `${id}x`].map(named)).toEqual([true, false]);
      }
    });
  }

  test('where the key in the manifest is missing, or another issuer is believed, nothing is taken', async () => {
    await expect(requestsOf(of, 'service')).rejects.toThrow();
    if (of.keys.length > 0) await expect(requestsOf({ ...of, keys: [] })).rejects.toThrow();
    expect(of.keys.length > 0).toBe(of.mode !== 'issued-bearer');
  });
});
