/** The two ends that gSOAP can be: a server that executes operations and a client that drives a sequence. */
import type { Certificates } from './certificates.ts';
import { type Child, start } from './child.ts';
import { type Course, type Executed, executed } from './course.ts';
import type { Gsoap } from './gsoap-build.ts';

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

/**
 * What a gSOAP server executed, once that is `count` messages, by number: it accepts them in order, but each connection has
 * its thread, so that their lines may overtake one another.
 */
export async function executedBy(server: Child, course: Course, count: number): Promise<readonly Executed[]> {
  await server.event(course.operation, count);
  return executed(server.events, course.operation).toSorted((one, other) => one.number - other.number);
}
