/** A course between surewire and gSOAP in either direction, through a relay that does to it what a plan says. */
import { expect } from 'vitest';
import { certificates } from './certificates.ts';
import type { Child } from './child.ts';
import { asExecuted, CLOSE_LIMIT, executed, titleOf } from './course.ts';
import { buildGsoap } from './gsoap-build.ts';
import { executedBy, type GsoapCourse, type GsoapEnds, gsoapClient, gsoapServer } from './gsoap-peer.ts';
import { protectionName, protectionOf } from './gsoap-protection.ts';
import { parties } from './parties.ts';
import { type Plan, relayTo } from './relay.ts';
import { type EndOptions, type InteropClient, surewireClient, surewireServer, textsOf } from './surewire-end.ts';

export interface GsoapRun {
  /** What happens on the way; nothing and no relay where not given. */
  readonly plan?: Plan | undefined;
  /** Of our client; true where not given. */
  readonly ordered?: boolean;
  /** Further options of client.c. */
  readonly more?: readonly string[];
}

export const operations = ['echo', 'notify'] as const;

/** @throws NotInstalled */
export async function gsoapEnds(): Promise<GsoapEnds> {
  const [gsoap, tls, messages] = await Promise.all([buildGsoap(), certificates(), parties()]);
  return { gsoap, tls, messages };
}

/** Runs gSOAP's client against our server; all its messages must have been executed once and in order. */
export async function gsoapCalls(
  ends: GsoapEnds,
  course: GsoapCourse,
  { plan, more = [] }: GsoapRun = {},
): Promise<void> {
  const { tls } = ends;
  const server = await surewireServer(course, tls, optionsOf(ends, course, 'service'));
  const relay = plan && (await relayTo(server.listener.url, plan, tls));
  try {
    const client = await gsoapClient(ends, course, relay?.url ?? server.listener.url, more);
    const sent = executed(client.events, 'sent').map((message, at) => ({ ...message, number: at + 1 }));
    expect(sent.length).toBeGreaterThan(0);
    expect(await server.executed(sent.length)).toEqual(sent);
    if (relay !== undefined) expect(relay.mishaps.length).toBeGreaterThan(1);
  } finally {
    await relay?.close();
    await server.listener.close(AbortSignal.timeout(2_000));
  }
}

/** Runs `use` with our client and gSOAP's server, behind a relay when there is a plan for it. */
export async function withGsoap(
  ends: GsoapEnds,
  course: GsoapCourse,
  use: (client: InteropClient, server: Child) => Promise<void>,
  { plan, ordered }: GsoapRun = {},
): Promise<void> {
  const { tls } = ends;
  const server = await gsoapServer(ends, course);
  const relay = plan && (await relayTo(server.url, plan, tls));
  const options = { ...optionsOf(ends, course, 'client'), ...(ordered !== undefined && { ordered }) };
  const client = surewireClient(course, tls, relay?.url ?? server.url, options);
  try {
    await use(client, server.child);
    if (relay !== undefined) expect(relay.mishaps.length).toBeGreaterThan(1);
  } finally {
    client.abort(new Error('the scenario is over'));
    await relay?.close();
    await server.child.stop();
  }
}

/** Sends the texts of the course to gSOAP's server, which must have executed each once and in order. */
export function callsGsoap(ends: GsoapEnds, course: GsoapCourse, run: GsoapRun = {}): Promise<void> {
  return withGsoap(
    ends,
    course,
    async (client, server) => {
      const texts = textsOf(course);
      if (course.operation === 'echo') {
        for (const text of texts) expect(await client.echo({ text })).toEqual({ text });
        await client.close(AbortSignal.timeout(CLOSE_LIMIT));
      } else if (course.reliable === false) {
        // Nothing but their order on the wire orders them.
        for (const text of texts) await client.notify({ text });
        await client.close(AbortSignal.timeout(CLOSE_LIMIT));
      } else {
        // gSOAP acknowledges one-way messages when the sequence is closed, so these settle no sooner.
        const settled = Promise.all(texts.map((text) => client.notify({ text })));
        await Promise.race([server.event('notify', course.messages), settled]);
        await Promise.all([settled, client.close(AbortSignal.timeout(CLOSE_LIMIT))]);
      }
      expect(await executedBy(server, course, texts.length)).toEqual(texts.map(asExecuted));
    },
    run,
  );
}

/** Hears a fault of gSOAP's server between two answers. */
export function faultOfGsoap(ends: GsoapEnds, course: GsoapCourse): Promise<void> {
  return withGsoap(ends, course, async (client) => {
    expect(await client.echo({ text: 'before' })).toEqual({ text: 'before' });
    await expect(client.echo({ text: 'fault' })).rejects.toMatchObject({
      code: 'SOAP_FAULT',
      fault: { code: 'sender', reason: 'You asked for a fault' },
    });
    expect(await client.echo({ text: 'after' })).toEqual({ text: 'after' });
    await client.close(AbortSignal.timeout(CLOSE_LIMIT));
  });
}

/** A course in words. */
export function named(course: GsoapCourse): string {
  return [titleOf(course), ...(course.mode === undefined ? [] : [protectionName(course.mode)])].join(', ');
}

function optionsOf(
  { messages }: GsoapEnds,
  { mode, reliable = true }: GsoapCourse,
  own: 'client' | 'service',
): EndOptions {
  return { reliable, ...(mode !== undefined && { security: protectionOf(mode, own, messages) }) };
}
