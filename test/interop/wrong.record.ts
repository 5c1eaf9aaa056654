/**
 * Records what goes wrong, for the rows that are false: `npm run interop -- --record`. Each scenario is tried and has to fail; what
 * went over the wire is kept in test/interop/transcripts, and docs/INTEROP.md points there.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { certificates } from './certificates.ts';
import { type Course, plain } from './course.ts';
import { disturbances } from './disturbances.ts';

import { gsoapServer } from './gsoap-peer.ts';
import { gsoapEnds } from './gsoap-runs.ts';
import { type JavaCourse, type JavaStack, startJava } from './java-peer.ts';
import { unlucky } from './java-sessions.ts';
import { parties } from './parties.ts';
import { protectionOf } from './protections.ts';
import { type Plan, relayTo } from './relay.ts';
import { type EndOptions, type InteropClient, surewireClient, surewireServer } from './surewire-end.ts';
import { writeTranscript } from './transcripts.ts';

const folder = fileURLToPath(new URL('transcripts', import.meta.url));
const [tls, all] = await Promise.all([certificates(), parties()]);
const plan = (what: string): Plan | undefined => disturbances.find((one) => one.what('echo') === what)?.plan();
const answersLost = plan('answers lost on the way');
const answersCut = plan('connections broken in the middle of an answer');

/** Our client against a server of the peer. */
async function calling(
  name: string,
  course: Course,
  at: URL,
  use: (client: InteropClient) => Promise<unknown>,
  {
    plan: mishaps,
    log,
    ...options
  }: EndOptions & { readonly plan?: Plan | undefined; readonly log?: () => string } = {},
): Promise<void> {
  const relay = await relayTo(at, mishaps);
  const client = surewireClient(course, tls, relay.url, options);
  const ended = await use(client).catch((thrown: unknown) => thrown);
  client.abort(new Error('the scenario is over'));
  await relay.close();
  writeTranscript(join(folder, name), relay.heard, log?.());
  expect(ended).toBeInstanceOf(Error);
}

const echoes = async (client: InteropClient): Promise<void> => {
  for (const text of ['one', 'two', 'three', 'four', 'five', 'six']) await client.echo({ text });
};
const together = (client: InteropClient): Promise<unknown> =>
  Promise.all(Array.from({ length: 12 }, (_, at) => client.echo({ text: `message ${at}` })));
const toTheEnd = async (client: InteropClient): Promise<void> => {
  await client.notify({ text: 'one' });
  await client.close(AbortSignal.timeout(10_000));
};
const faultBetween = async (client: InteropClient): Promise<void> => {
  await client.echo({ text: 'before' });
  await client.echo({ text: 'fault' }).catch(() => undefined);
  await client.echo({ text: 'after' });
};

describe.each(['cxf', 'metro'] as const)('%s', async (stack: JavaStack) => {
  const keys = { messages: all, tls };
  const peer = await startJava(stack, keys);
  afterAll(() => peer.stop());
  const course: JavaCourse = { ...plain, messages: 6 };

  const called = async (name: string, what: JavaCourse, mishaps?: Plan): Promise<void> => {
    const { decoupled = false } = what;
    const server = await surewireServer(what, tls, { decoupled });
    const relay = await relayTo(server.listener.url, mishaps);
    const ended = await peer.call(what, relay.url).catch((thrown: unknown) => thrown);
    await relay.close();
    await server.listener.close(AbortSignal.timeout(2_000));
    writeTranscript(join(folder, `${stack}-${name}`), relay.heard);
    expect(ended).toBeInstanceOf(Error);
  };
  test('its client, answers cut', () => called('client-answer-cut', course, answersCut));

  const served = async (
    name: string,
    use: (client: InteropClient) => Promise<unknown>,
    more: { readonly plan?: Plan | undefined } & Partial<JavaCourse> = {},
  ): Promise<void> => {
    const { plan: mishaps, ...how } = more;
    const secured = { ...course, ...how };
    const server = await peer.serve(secured);
    const { decoupled = false } = how;
    const complaints = () =>
      peer
        .tail()
        .split('\n')
        .filter((line) => /^(WARNING|SEVERE|java\.lang)/.test(line));
    const log = () => [...new Set(complaints())].join('\n');
    const options = { ...protectionOf(stack, secured, 'client', keys), plan: mishaps, decoupled, log };
    await calling(`${stack}-${name}`, secured, server.url, use, options).finally(() => server.stop());
  };
  if (stack === 'cxf') {
    test('its server, answers lost', () => served('server-answer-lost', echoes, { plan: answersLost }));
    test('its server, a fault', () => served('server-fault', faultBetween));
    test('its client, an acknowledgement lost', () =>
      called('client-acknowledgement-lost', { ...course, decoupled: true }, unlucky));
    test('its server, a LastMessage of its own', () =>
      served('server-last-message', toTheEnd, { version: '1.0', operation: 'notify', decoupled: true }));
    test('its server, an acknowledgement of its own', () =>
      served('server-out-of-band', (client) => client.notify({ text: 'one' }), {
        mode: 'conversation',
        decoupled: true,
      }));
  } else {
    test('its client, closed with messages in flight', () =>
      called('client-in-flight', { ...course, operation: 'notify', messages: 12, inFlight: true }));
    // They come through in the end, long after they were sent.
    test('its server, calls at the same time', () => served('server-together', together).catch(() => undefined));
    test('its server, a secret repeated', () => served('server-secret', echoes, { plan: unlucky, mode: 'mutual' }));
  }
});

describe('gsoap', async () => {
  const ends = await gsoapEnds();
  const served = async (name: string, use: (client: InteropClient) => Promise<unknown>, mishaps?: Plan) => {
    const course: Course = { ...plain, messages: 6 };
    const server = await gsoapServer(ends, course);
    await calling(`gsoap-${name}`, course, server.url, use, { plan: mishaps }).finally(() => server.child.stop());
  };
  test('its server, answers lost', () => served('server-answer-lost', echoes, answersLost));
  test('its server, calls at the same time', () => served('server-together', together));
  test('its server, closed with messages in flight', () =>
    served('server-in-flight', async (client) => {
      const first = client.notify({ text: 'message 0' });
      // Its sequence is there when an answer is.
      await client.echo({ text: 'open' });
      const rest = Array.from({ length: 11 }, (_, at) => client.notify({ text: `message ${at + 1}` }));
      await Promise.all([client.close(AbortSignal.timeout(8_000)), first, ...rest]);
    }));
});
