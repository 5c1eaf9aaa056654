/**
 * Records what each peer says, for test/vectors/captures: `npm run interop -- --record`. Not part of a run that tries: the files
 * are committed, and the plain tests replay them without the peer.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { type Certificates, certificates } from './certificates.ts';
import { type Course, plain, versions } from './course.ts';

import { gsoapClient, gsoapServer } from './gsoap-peer.ts';
import { gsoapEnds } from './gsoap-runs.ts';
import { type JavaCourse, type JavaStack, startJava } from './java-peer.ts';
import { parties } from './parties.ts';
import { protectionOf } from './protections.ts';
import { type Recording, transportedKeys } from './recordings.ts';
import { type Relay, relayTo } from './relay.ts';
import { type EndOptions, surewireClient, surewireServer, textsOf } from './surewire-end.ts';
import { writeTranscript } from './transcripts.ts';

const folder = fileURLToPath(new URL('../vectors/captures', import.meta.url));
const recordings: Recording[] = [];
const [tls, all] = await Promise.all([certificates(), parties()]);

/** Our client against a server of the peer, or the other way round, with a relay between. */
async function clientOf(course: Course, at: URL, options: EndOptions): Promise<Relay> {
  const relay = await relayTo(at);
  const client = surewireClient(course, tls, relay.url, options);
  for (const text of textsOf(course)) expect(await client.echo({ text })).toEqual({ text });
  await client.close(AbortSignal.timeout(15_000));
  await relay.close();
  return relay;
}

async function serverOf(
  course: Course,
  certificate: Certificates,
  options: EndOptions,
  call: (url: URL) => Promise<unknown>,
): Promise<Relay> {
  const server = await surewireServer(course, certificate, options);
  const relay = await relayTo(server.listener.url);
  await call(relay.url);
  expect(await server.executed(course.messages)).toHaveLength(course.messages);
  await relay.close();
  await server.listener.close(AbortSignal.timeout(2_000));
  return relay;
}

function keep(of: Omit<Recording, 'name' | 'keys' | 'messages'>, course: Course, { heard }: Relay): void {
  const name = `${of.peer}-${of.peerIs}-${of.mode}-rm${course.version.replace('.', '')}`;
  const keys = transportedKeys(heard, [all.of.client.key, all.of.service.key]);
  writeTranscript(join(folder, name), heard);
  recordings.push({ name, ...of, messages: course.messages, keys });
}

const modes = {
  cxf: [undefined, 'sign-encrypt', 'conversation'],
  metro: [undefined, 'sign-encrypt', 'conversation'],
} as const;

describe.each(['cxf', 'metro'] as const)('%s', async (stack: JavaStack) => {
  const keys = { messages: all, tls };
  const peer = await startJava(stack, keys);
  afterAll(() => peer.stop());
  const { release } = peer;
  for (const version of versions) {
    for (const mode of modes[stack]) {
      const course: JavaCourse = { ...plain, version, messages: 2, ...(mode !== undefined && { mode }) };
      const of = { peer: stack, release, version, mode: mode ?? 'plain' } as const;
      test(`${version} ${mode ?? 'plain'}, its client`, async () => {
        const options = protectionOf(stack, course, 'service', keys);
        keep(
          { ...of, peerIs: 'client' },
          course,
          await serverOf(course, tls, options, (url) => peer.call(course, url)),
        );
      });
      test(`${version} ${mode ?? 'plain'}, its server`, async () => {
        const server = await peer.serve(course);
        const relay = await clientOf(course, server.url, protectionOf(stack, course, 'client', keys));
        await server.stop();
        keep({ ...of, peerIs: 'server' }, course, relay);
      });
    }
  }
});

describe('gsoap', async () => {
  const ends = await gsoapEnds();
  for (const version of versions) {
    const course: Course = { ...plain, version, messages: 2 };
    const of = { peer: 'gsoap', release: ends.gsoap.release, version, mode: 'plain' } as const;
    test(`${version}, its client`, async () => {
      keep(
        { ...of, peerIs: 'client' },
        course,
        await serverOf(course, tls, {}, (url) => gsoapClient(ends, course, url)),
      );
    });
    test(`${version}, its server`, async () => {
      const server = await gsoapServer(ends, course);
      const relay = await clientOf(course, server.url, {});
      await server.child.stop();
      keep({ ...of, peerIs: 'server' }, course, relay);
    });
  }
});

afterAll(() => {
  const pki = join(folder, 'pki');
  rmSync(pki, { recursive: true, force: true });
  mkdirSync(pki, { recursive: true });
  writeFileSync(join(pki, 'authority.pem'), all.authority);
  for (const name of ['client', 'service'] as const) writeFileSync(join(pki, `${name}.pem`), all.of[name].certificate);
  recordings.sort((one, other) => (one.name < other.name ? -1 : 1));
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(recordings, undefined, 2)}\n`);
});
