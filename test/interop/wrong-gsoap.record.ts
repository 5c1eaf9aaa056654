/** Records what goes wrong with gSOAP's wsseapi, for the rows that are false: `npm run interop -- --record`. */
import { constants, privateDecrypt } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { plain } from './course.ts';
import type { FlawName } from './flaws.ts';
import { type GsoapCourse, gsoapClient, gsoapServer } from './gsoap-peer.ts';
import { protectionOf } from './gsoap-protection.ts';
import { gsoapEnds } from './gsoap-runs.ts';
import { type Heard, relayTo } from './relay.ts';
import { surewireClient, surewireServer } from './surewire-end.ts';
import { writeTranscript } from './transcripts.ts';

const ends = await gsoapEnds();
const { tls, messages } = ends;
const folder = (name: FlawName): string => fileURLToPath(new URL(join('transcripts', name), import.meta.url));

/** DEV ONLY: the first key that was carried, so that the transcript can be read; PKCS#1 1.5, whatever its URI says. */
function carriedKey([first]: readonly Heard[]): string {
  const [, value = ''] = /<xenc:EncryptedKey[\s\S]*?<xenc:CipherValue>([^<]+)</.exec(String(first?.request.body)) ?? [];
  const { key } = messages.of.service;
  const carried = privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(value, 'base64'));
  return `EncryptedKey of the first request, opened as PKCS#1 1.5: ${carried.toString('base64')}`;
}

/** gSOAP's client, which has to fail. */
async function called(name: FlawName, course: GsoapCourse, carried: boolean = true): Promise<void> {
  const secured = { security: protectionOf(course.mode ?? 'sign', 'service', messages) };
  const server = await surewireServer(course, tls, secured);
  const relay = await relayTo(server.listener.url, undefined, tls);
  const ended = await gsoapClient(ends, course, relay.url).catch((thrown: unknown) => thrown);
  await relay.close();
  await server.listener.close(AbortSignal.timeout(2_000));
  writeTranscript(folder(name), relay.heard, carried ? carriedKey(relay.heard) : '');
  expect(ended).toBeInstanceOf(Error);
}

test('its client, an Offer encrypted', () =>
  called('gsoap-client-encrypted-offer', { ...plain, version: '1.0', operation: 'notify', mode: 'sign-encrypt' }));

test('its client, OAEP', () =>
  called('gsoap-client-oaep', { ...plain, operation: 'notify', mode: 'sign-encrypt-oaep' }));

test('its client, an assertion that it signed', () =>
  called('gsoap-client-saml', { ...plain, secure: true, mode: 'saml20' }, false));

test('its server, an encrypted Body', async () => {
  const course: GsoapCourse = { ...plain, mode: 'sign-encrypt' };
  const server = await gsoapServer(ends, course);
  const relay = await relayTo(server.url);
  const secured = { security: protectionOf('sign-encrypt', 'client', messages) };
  const client = surewireClient(course, tls, relay.url, secured);
  const ended = client.echo({ text: 'never read' }).catch((thrown: unknown) => thrown);
  // It is sent again and again, and answered no better.
  await server.child.event('error', 2);
  client.abort(new Error('the scenario is over'));
  await relay.close();
  await server.child.stop();
  writeTranscript(folder('gsoap-encrypted-body'), relay.heard, server.child.tail());
  expect(await ended).toBeInstanceOf(Error);
});
