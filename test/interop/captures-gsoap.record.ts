/**
 * Records sessions with gSOAP whose messages wsseapi signs, for test/vectors/captures-gsoap: `npm run interop -- --record`. Its client
 * vouches for a SAML assertion besides.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { plain, versions } from './course.ts';
import { type GsoapCourse, gsoapClient, gsoapServer } from './gsoap-peer.ts';
import { protectionOf } from './gsoap-protection.ts';
import { gsoapEnds } from './gsoap-runs.ts';
import { type Relay, relayTo } from './relay.ts';
import { surewireClient, surewireServer, textsOf } from './surewire-end.ts';
import { writeTranscript } from './transcripts.ts';

const folder = fileURLToPath(new URL('../vectors/captures-gsoap', import.meta.url));
const ends = await gsoapEnds();
const { tls, messages } = ends;

for (const version of versions) {
  const keep = (what: string, { heard }: Relay): void =>
    writeTranscript(join(folder, `${what}-rm${version.replace('.', '')}`), heard);

  test(`${version}, its client`, async () => {
    const course: GsoapCourse = { ...plain, version, messages: 2, mode: 'vouched' };
    const server = await surewireServer(course, tls, { security: protectionOf('vouched', 'service', messages) });
    const relay = await relayTo(server.listener.url);
    await gsoapClient(ends, course, relay.url);
    await relay.close();
    await server.listener.close(AbortSignal.timeout(2_000));
    keep('client-vouched', relay);
  });

  test(`${version}, its server`, async () => {
    const course: GsoapCourse = { ...plain, version, messages: 2, mode: 'sign' };
    const server = await gsoapServer(ends, course);
    const relay = await relayTo(server.url);
    const client = surewireClient(course, tls, relay.url, { security: protectionOf('sign', 'client', messages) });
    for (const text of textsOf(course)) expect(await client.echo({ text })).toEqual({ text });
    await client.close(AbortSignal.timeout(15_000));
    await relay.close();
    await server.child.stop();
    keep('server-sign', relay);
  });
}

afterAll(() => {
  const pki = join(folder, 'pki');
  rmSync(pki, { recursive: true, force: true });
  mkdirSync(pki, { recursive: true });
  for (const name of ['client', 'service', 'issuer'] as const) {
    writeFileSync(join(pki, `${name}.pem`), messages.of[name].certificate);
  }
});
