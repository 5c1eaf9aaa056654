/** The two ends that gSOAP can be: a server that executes operations and a client that drives a sequence. */
import type { Certificates } from './certificates.ts';
import { type Child, start } from './child.ts';
import { type Course, type Executed, executed } from './course.ts';
import type { Gsoap } from './gsoap-build.ts';
import { type GsoapMode, protectionArguments } from './gsoap-protection.ts';
import type { Parties } from './parties.ts';

export interface GsoapCourse extends Course {
  /** Protection of messages by wsseapi; none where not given. */
  readonly mode?: GsoapMode;
  /** Whether wsrmapi numbers the messages; true where not given. */
  readonly reliable?: boolean;
}

/** What both ends have: the programs, the keys of HTTPS and those for messages. */
export interface GsoapEnds {
  readonly gsoap: Gsoap;
  readonly tls: Certificates;
  readonly messages: Parties;
}

/** Milliseconds a peer may live; a course takes well under one second when all is well, on a machine that does nothing else. */
const LIMIT = 60_000;

/** A gSOAP server on a free port. */
export async function gsoapServer(
  { gsoap, tls, messages }: GsoapEnds,
  course: GsoapCourse,
): Promise<{ child: Child; url: URL }> {
  const child = start(
    gsoap.programs[course.version].server,
    [
      ...['-p', '0', '-s', String(LIMIT / 1000)],
      ...(keepsAlive(course) ? ['-k'] : []),
      ...(course.reliable === false ? ['-w'] : []),
      ...(course.secure ? ['-t', tls.identityFile] : []),
      ...protectionArguments(course.mode, 'service', messages),
    ],
    { name: `gSOAP server ${course.version}`, limit: LIMIT },
  );
  const { port } = await child.event('listening');
  return { child, url: new URL(`${course.secure ? 'https' : 'http'}://127.0.0.1:${String(port)}/`) };
}

/** With threads wsseapi verifies nothing, see the head of server.c. */
function keepsAlive({ keepAlive, version, mode }: GsoapCourse): boolean {
  return keepAlive ?? (version === '1.1' && mode === undefined);
}

/** Runs a gSOAP client against `url` to its end. `more` are further options of client.c. */
export async function gsoapClient(
  { gsoap, tls, messages }: GsoapEnds,
  course: GsoapCourse,
  url: URL,
  more: readonly string[] = [],
): Promise<Child> {
  const child = start(
    gsoap.programs[course.version].client,
    [
      ...['-o', course.operation, '-n', String(course.messages), '-z', String(course.size), '-s', String(LIMIT / 1000)],
      ...(course.soap === '1.1' ? ['-1'] : []),
      ...(course.secure ? ['-a', tls.authorityFile] : []),
      ...(course.reliable === false ? ['-w'] : []),
      ...protectionArguments(course.mode, 'client', messages),
      ...more,
      url.href,
    ],
    { name: `gSOAP client ${course.version}`, limit: LIMIT },
  );
  const code = await child.exit;
  if (code !== 0) throw new Error(`${child.name} ended with ${code}; its last lines:\n${child.tail()}`);
  return child;
}

/**
 * What a gSOAP server executed, once that is `count` messages, by number: it accepts them in order, but each connection has
 * its thread, so that their lines may overtake one another.
 */
export async function executedBy(server: Child, course: Course, count: number): Promise<readonly Executed[]> {
  await server.event(course.operation, count);
  return executed(server.events, course.operation).toSorted((one, other) => one.number - other.number);
}
