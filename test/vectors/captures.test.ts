/**
 * What gSOAP, CXF and Metro said to surewire, recorded with the peers themselves (README.md beside the files), replayed without
 * them: every message verifies and decrypts under the policy it was sent under, and our acceptor, given the requests, executes
 * each of them once and in order.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Delivery } from '../../src/channel/delivery.ts';
import { readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import { highest } from '../../src/reliable/ranges.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { evidence } from '../../src/security/evidence.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { acceptorEnd } from '../reliable/ends.ts';
import {
  recordedClock as clock,
  recordingsFolder as folder,
  recordings as manifest,
  opened,
  required,
} from './replayed.ts';

const namespace = 'urn:surewire:interop';

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
    const exchanges = await opened(of);
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
    const exchanges = await opened(of);
    const answers = exchanges.flatMap(({ answer }) => (answer === undefined ? [] : [readHeaders(answer)]));
    const acknowledged = answers.flatMap((headers) => headers?.acknowledgements ?? []);
    expect(acknowledged.some(({ ranges }) => highest(ranges) === of.messages)).toBe(true);
    const numbers = answers.flatMap((headers) => headers?.sequence?.number ?? []);
    expect(numbers.slice(0, of.messages)).toEqual(Array.from({ length: of.messages }, (_, at) => at + 1));
  });
});
