/**
 * Records sessions under tokens that our token service issued, for test/vectors/captures-issued: `npm run interop -- --record`. The
 * relay between shows the certificate of the server, so that what was said inside HTTPS is kept.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { certificates } from './certificates.ts';
import { plain, versions } from './course.ts';
import { type JavaCourse, startJava } from './java-peer.ts';
import { parties } from './parties.ts';
import { protectionOf } from './protections.ts';
import { type Recording, transportedKeys } from './recordings.ts';
import { type Relay, relayTo } from './relay.ts';
import { surewireClient, surewireServer, textsOf } from './surewire-end.ts';
import { tokenIssuer } from './token-issuer.ts';
import { writeTranscript } from './transcripts.ts';

const folder = fileURLToPath(new URL('../vectors/captures-issued', import.meta.url));
const recordings: Recording[] = [];
const [tls, all] = await Promise.all([certificates(), parties()]);
const issuer = await tokenIssuer(all, tls);
const keys = { messages: all, tls, issuer };

const modes = ['issued', 'issued-saml11', 'issued-bearer', 'issued-conversation', 'issued-certificate'] as const;

describe.each(['cxf', 'metro'] as const)('%s', async (stack) => {
  const peer = await startJava(stack, keys);
  afterAll(() => peer.stop());
  for (const [version, mode] of versions.flatMap((of) => modes.map((mode) => [of, mode] as const))) {
    const secure = mode !== 'issued-certificate';
    const course: JavaCourse = { ...plain, version, messages: 2, secure, mode };
    const keep = (peerIs: Recording['peerIs'], { heard }: Relay): void => {
      const name = `${stack}-${peerIs}-${mode}-rm${version.replace('.', '')}`;
      writeTranscript(join(folder, name), heard);
      const { release } = peer;
      const opened = transportedKeys(heard, [all.of.service.key]);
      recordings.push({ name, peer: stack, release, peerIs, version, mode, messages: 2, keys: opened });
    };
    test(`${version} ${mode}, its server`, async () => {
      const server = await peer.serve(course);
      const relay = await relayTo(server.url, undefined, tls);
      const client = surewireClient(course, tls, relay.url, protectionOf(stack, course, 'client', keys));
      for (const text of textsOf(course)) expect(await client.echo({ text })).toEqual({ text });
      await client.close(AbortSignal.timeout(15_000));
      await relay.close();
      await server.stop();
      keep('server', relay);
    });
    // Metro's client asks for no token but to ask for a context with (flaws.ts, metro-client-issued).
    if (stack === 'metro' && mode !== 'issued-conversation') continue;
    test(`${version} ${mode}, its client`, async () => {
      const server = await surewireServer(course, tls, protectionOf(stack, course, 'service', keys));
      const relay = await relayTo(server.listener.url, undefined, tls);
      await peer.call(course, relay.url);
      await relay.close();
      await server.listener.close(AbortSignal.timeout(2_000));
      keep('client', relay);
    });
  }
});

afterAll(async () => {
  await issuer.close();
  const pki = join(folder, 'pki');
  rmSync(pki, { recursive: true, force: true });
  mkdirSync(pki, { recursive: true });
  for (const name of ['issuer', 'service'] as const) writeFileSync(join(pki, `${name}.pem`), all.of[name].certificate);
  recordings.sort((one, other) => (one.name < other.name ? -1 : 1));
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(recordings, undefined, 2)}\n`);
});
