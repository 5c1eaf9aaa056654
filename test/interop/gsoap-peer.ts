/** The two ends that gSOAP can be: a server that executes operations and a client that drives a sequence. */
import type { Certificates } from './certificates.ts';
import { type Child, type PeerEvent, start } from './child.ts';
import type { Gsoap, RmVersion } from './gsoap-build.ts';

/** One run of a sequence, the same for both directions. */
export interface Course {
  readonly version: RmVersion;
  readonly operation: 'echo' | 'notify';
  readonly messages: number;
  /** Octets of each text. */
  readonly size: number;
  readonly secure: boolean;
  readonly soap: '1.1' | '1.2';
  /** Whether a gSOAP server keeps connections alive and has threads; default only for RM 1.1, see the head of server.c. */
  readonly keepAlive?: boolean;
}

/** Milliseconds a peer may live; a course takes well under one second when all is well. */
const LIMIT = 20_000;

/** A gSOAP server on a free port. */
export async function gsoapServer(
  gsoap: Gsoap,
  course: Course,
  tls: Certificates,
): Promise<{ child: Child; url: URL }> {
  const child = start(
    gsoap.programs[course.version].server,
    [
      ...['-p', '0', '-s', String(LIMIT / 1000)],
      ...((course.keepAlive ?? course.version === '1.1') ? ['-k'] : []),
      ...(course.secure ? ['-t', tls.identityFile] : []),
    ],
    { name: `gSOAP server ${course.version}`, limit: LIMIT },
  );
  const { port } = await child.event('listening');
  return { child, url: new URL(`${course.secure ? 'https' : 'http'}://127.0.0.1:${String(port)}/`) };
}

/** Runs a gSOAP client against `url` to its end. `more` are further options of client.c. */
export async function gsoapClient(
  gsoap: Gsoap,
  course: Course,
  tls: Certificates,
  url: URL,
  more: readonly string[] = [],
): Promise<Child> {
  const child = start(
    gsoap.programs[course.version].client,
    [
      ...['-o', course.operation, '-n', String(course.messages), '-z', String(course.size), '-s', String(LIMIT / 1000)],
      ...(course.soap === '1.1' ? ['-1'] : []),
      ...(course.secure ? ['-a', tls.authorityFile] : []),
      ...more,
      url.href,
    ],
    { name: `gSOAP client ${course.version}`, limit: LIMIT },
  );
  const code = await child.exit;
  if (code !== 0) throw new Error(`${child.name} ended with ${code}; its last lines:\n${child.tail()}`);
  return child;
}

/** What an end executed or sent: message number, length and digest of the text. */
export interface Executed {
  readonly number: number;
  readonly length: number;
  readonly digest: number;
}

/**
 * What a gSOAP server executed, once that is `count` messages, by number: it accepts them in order, but each connection has
 * its thread, so that their lines may overtake one another.
 */
export async function executedBy(server: Child, course: Course, count: number): Promise<readonly Executed[]> {
  await server.event(course.operation, count);
  return executed(server.events, course.operation).toSorted((one, other) => one.number - other.number);
}

export function executed(events: readonly PeerEvent[], name: string): readonly Executed[] {
  return events
    .filter((event) => event.event === name)
    .map(({ number, length, digest }) => ({ number: Number(number), length: Number(length), digest: Number(digest) }));
}

/** FNV-1a, 32 bits, over UTF-8, as peer.c computes it. */
export function digestOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const octet of new TextEncoder().encode(text)) hash = Math.imul(hash ^ octet, 0x01000193);
  return hash >>> 0;
}
