/** Reliable sessions with a Java stack in both directions: the same scenarios for each, as far as it goes. */
import { describe, expect } from 'vitest';
import { asExecuted, CLOSE_LIMIT, type Course, type Executed, plain, titleOf, versions } from './course.ts';
import { disturbances } from './disturbances.ts';
import type { FlawName } from './flaws.ts';
import type { JavaCourse, JavaKeys, JavaPeer, JavaServer, JavaStack } from './java-peer.ts';
import { protectionNames, protectionOf } from './protections.ts';
import { type Heard, type Plan, relayTo } from './relay.ts';
import { scenario as once, type Scenario, unclaimed } from './suite.ts';
import { type InteropClient, surewireClient, surewireServer, textsOf } from './surewire-end.ts';
import { keepFailure } from './transcripts.ts';

/** How far a message is protected that its transport protects, or nothing. */
export const hops: readonly Pick<JavaCourse, 'secure' | 'mode'>[] = [
  { secure: false },
  { secure: true },
  { secure: true, mode: 'username' },
];

/** A session with our client from its first message to its end. */
export async function talk(client: InteropClient, course: Course): Promise<void> {
  const texts = textsOf(course);
  if (course.operation === 'echo') {
    for (const text of texts) expect(await client.echo({ text })).toEqual({ text });
  } else {
    await Promise.all(texts.map((text) => client.notify({ text })));
  }
  await client.close(AbortSignal.timeout(CLOSE_LIMIT));
}

export interface JavaSessions {
  readonly name: JavaStack;
  readonly courses: readonly JavaCourse[];
  /** Run once more with exchanges that are lost on the way. */
  readonly lossy: readonly JavaCourse[];
  /** Which of our client's exchanges with its server may be lost, where it does not answer a repeated request again. */
  readonly answersAgain: boolean;
  /** What is not claimed of our client and its server. */
  readonly not: readonly Unclaimed[];
  /** The same of its client and our server. */
  readonly notCalling?: readonly Unclaimed[];
}

export type Unclaimed = readonly [what: string, flaw: FlawName];

/** The same flaw on every hop. */
export function over(operations: readonly Course['operation'][], what: string, flaw: FlawName): readonly Unclaimed[] {
  return operations.flatMap((operation) =>
    hops.map((hop) => [`${named({ ...plain, operation, ...hop })}, ${what}`, flaw] as const),
  );
}

/** Every second exchange but the first two and those at the end, its request and its answer in turn. */
export const unlucky: Plan = (exchange) => {
  if (exchange < 3 || exchange > 12 || exchange % 2 !== 0) return undefined;
  return exchange % 4 === 0 ? 'answer lost' : 'request lost';
};

const requestsLost: Plan = (exchange) => (exchange > 2 && exchange % 3 === 0 ? 'request lost' : undefined);

const faulty = 'request-reply, an operation answers with a fault';
const inFlight = 'one-way, closed with messages in flight';
const fourSessions = 'four sessions at the same time';
const together = 'request-reply, calls at the same time';

/** Both stacks now and then answer or repeat in the wrong moment when much is under way in one process. */
const scenario = (row: Scenario, body: () => Promise<void>): void => once(row, body, 2);

/** Declares the scenarios. */
export function javaSessions(peer: JavaPeer, keys: JavaKeys, options: JavaSessions): void {
  const { name, courses, lossy, answersAgain, not, notCalling = [] } = options;
  const { tls } = keys;
  const securityOf = (course: JavaCourse, own: 'client' | 'service') => protectionOf(name, course, own, keys);

  describe.concurrent(`${name} opens a session with surewire`, () => {
    const row = { peer: name, direction: `${name} -> surewire` };
    /** Runs clients at the same time, each with a session of its own; what is executed is what all of them sent. */
    const run = async (course: JavaCourse, plan?: Plan, clients = 1): Promise<void> => {
      const server = await surewireServer(course, tls, securityOf(course, 'service'));
      const relay = course.secure && plan === undefined ? undefined : await relayTo(server.listener.url, plan, tls);
      try {
        const url = relay?.url ?? server.listener.url;
        const done = await Promise.all(Array.from({ length: clients }, () => peer.call(course, url)));
        for (const { sent, settled } of done) {
          expect(sent).toHaveLength(course.messages);
          expect(settled).toBe(true);
        }
        const executed = await server.executed(course.messages * clients);
        if (clients === 1 && course.inFlight !== true) expect(executed).toEqual(done[0]?.sent);
        else expect(digests(executed)).toEqual(digests(done.flatMap(({ sent }) => sent)));
        if (plan !== undefined) expect(relay?.mishaps.length).toBeGreaterThan(1);
      } catch (thrown) {
        throw withTranscript(thrown, `${row.direction} ${named(course)} ${course.version}`, relay?.heard);
      } finally {
        await relay?.close();
        await server.listener.close(AbortSignal.timeout(2_000));
      }
    };
    const calls = (title: string): boolean => notCalling.every(([what]) => what !== title);
    for (const course of courses.filter((one) => calls(named(one)))) {
      scenario({ ...row, version: course.version, scenario: named(course) }, () => run(course));
    }
    for (const course of lossy.filter((one) => calls(named(one)))) {
      const { version } = course;
      scenario({ ...row, version, scenario: `${named(course)}, exchanges lost on the way` }, () =>
        run(course, unlucky),
      );
    }
    for (const version of versions) {
      for (const [what, flaw] of notCalling) unclaimed({ ...row, version, scenario: what }, flaw);
      for (const [title, course, plan] of disturbed(version)) {
        if (!calls(title)) continue;
        scenario({ ...row, version, scenario: title }, () => run(course, plan));
      }
      for (const [title, course] of concurrent(version)) {
        scenario({ ...row, version, scenario: title }, () => run(course, undefined, 4));
      }
      scenario({ ...row, version, scenario: faulty }, () => run({ ...plain, version, fault: true }));
      if (calls(inFlight)) {
        const course: JavaCourse = { ...plain, version, operation: 'notify', messages: 30, inFlight: true };
        scenario({ ...row, version, scenario: inFlight }, () => run(course));
      }
    }
  });

  describe.concurrent(`surewire opens a session with ${name}`, () => {
    const row = { peer: name, direction: `surewire -> ${name}` };
    /** Runs `use` with what makes a client, and a server, behind a relay where there is a plan. */
    const between = async (
      course: JavaCourse,
      use: (connect: () => InteropClient, server: JavaServer) => Promise<void>,
      plan?: Plan,
    ): Promise<void> => {
      const server = await peer.serve(course);
      const relay = course.secure && plan === undefined ? undefined : await relayTo(server.url, plan, tls);
      const clients: InteropClient[] = [];
      const connect = (): InteropClient => {
        const client = surewireClient(course, tls, relay?.url ?? server.url, securityOf(course, 'client'));
        clients.push(client);
        return client;
      };
      try {
        await use(connect, server);
        if (plan !== undefined) expect(relay?.mishaps.length).toBeGreaterThan(1);
      } catch (thrown) {
        throw withTranscript(thrown, `${row.direction} ${named(course)} ${course.version}`, relay?.heard);
      } finally {
        for (const client of clients) client.abort(new Error('the scenario is over'));
        await relay?.close();
        await server.stop();
      }
    };
    const run = (course: JavaCourse, plan?: Plan): Promise<void> =>
      between(
        course,
        async (connect, server) => {
          await talk(connect(), course);
          expect(await server.executed(course.messages)).toEqual(textsOf(course).map(asExecuted));
        },
        plan,
      );
    const runFour = (course: JavaCourse): Promise<void> =>
      between(course, async (connect, server) => {
        const clients = Array.from({ length: 4 }, connect);
        await Promise.all(clients.map((client) => talk(client, course)));
        const sent = clients.flatMap(() => textsOf(course).map(asExecuted));
        expect(digests(await server.executed(sent.length))).toEqual(digests(sent));
      });
    for (const course of courses) {
      scenario({ ...row, version: course.version, scenario: named(course) }, () => run(course));
    }
    const claims = (title: string): boolean => not.every(([what]) => what !== title);
    for (const course of lossy) {
      const { version, operation } = course;
      const requests = operation === 'echo' && !answersAgain;
      const plan = requests ? requestsLost : unlucky;
      const what = requests ? 'requests' : 'exchanges';
      const title = `${named(course)}, ${what} lost on the way`;
      if (!claims(title)) continue;
      scenario({ ...row, version, scenario: title }, () => run(course, plan));
    }
    for (const version of versions) {
      const one = { ...row, version };
      for (const [what, flaw] of not) unclaimed({ ...one, scenario: what }, flaw);
      for (const [title, course, plan] of disturbed(version)) {
        if (!claims(title)) continue;
        scenario({ ...one, scenario: title }, () => run(course, plan));
      }
      for (const [title, course] of concurrent(version)) {
        if (claims(title)) scenario({ ...one, scenario: title }, () => runFour(course));
      }
      if (claims(faulty)) {
        scenario({ ...one, scenario: faulty }, () =>
          between({ ...plain, version }, async (connect) => {
            const client = connect();
            expect(await client.echo({ text: 'before' })).toEqual({ text: 'before' });
            await expect(client.echo({ text: 'fault' })).rejects.toMatchObject({
              code: 'SOAP_FAULT',
              fault: { reason: expect.stringContaining('You asked for a fault') },
            });
            expect(await client.echo({ text: 'after' })).toEqual({ text: 'after' });
            await client.close(AbortSignal.timeout(CLOSE_LIMIT));
          }),
        );
      }
      if (claims(together)) {
        scenario({ ...one, scenario: together }, () =>
          between({ ...plain, version, messages: 24 }, async (connect, server) => {
            const client = connect();
            const texts = textsOf({ ...plain, messages: 24 });
            expect(await Promise.all(texts.map((text) => client.echo({ text })))).toEqual(
              texts.map((text) => ({ text })),
            );
            await client.close(AbortSignal.timeout(CLOSE_LIMIT));
            expect(await server.executed(texts.length)).toEqual(texts.map(asExecuted));
          }),
        );
      }
      scenario({ ...one, scenario: inFlight }, () =>
        between({ ...plain, version, operation: 'notify', messages: 30 }, async (connect, server) => {
          const client = connect();
          const [first = '', ...rest] = textsOf({ ...plain, messages: 30 });
          await client.notify({ text: first });
          const sent = Promise.all(rest.map((text) => client.notify({ text })));
          await Promise.all([client.close(AbortSignal.timeout(CLOSE_LIMIT)), sent]);
          expect(await server.executed(30)).toEqual([first, ...rest].map(asExecuted));
        }),
      );
    }
  });
}

/** The courses of a version without security, over HTTPS, and with a password there, under each disturbance. */
function disturbed(version: Course['version']): readonly (readonly [title: string, course: JavaCourse, plan: Plan])[] {
  return disturbances.flatMap(({ what, plan, operation: only }) =>
    (['echo', 'notify'] as const)
      .filter((operation) => (only ?? operation) === operation)
      .flatMap((operation) =>
        hops.map((hop) => {
          const course: JavaCourse = { ...plain, version, operation, ...hop };
          return [`${named(course)}, ${what(operation)}`, course, plan()] as const;
        }),
      ),
  );
}

/** The courses of a version that four sessions take at the same time. */
function concurrent(version: Course['version']): readonly (readonly [title: string, course: JavaCourse])[] {
  const courses: readonly JavaCourse[] = [
    { ...plain, version, operation: 'notify' },
    { ...plain, version, secure: true, mode: 'username' },
    { ...plain, version, mode: 'sign-encrypt' },
    { ...plain, version, mode: 'conversation' },
  ];
  return [
    [fourSessions, { ...plain, version }],
    ...courses.map((course) => [`${fourSessions}, ${named(course)}`, course] as const),
  ];
}

/** The error with the place of the transcript, which is kept. */
function withTranscript(thrown: unknown, title: string, heard: readonly Heard[] = []): unknown {
  if (heard.length === 0 || !(thrown instanceof Error)) return thrown;
  thrown.message = `${thrown.message}\ntranscript: ${keepFailure(title, heard)}`;
  return thrown;
}

/** What was executed, whoever sent it and in whatever order. */
function digests(executed: readonly Executed[]): readonly number[] {
  return executed.map(({ digest }) => digest).toSorted((one, other) => one - other);
}

export function named(course: JavaCourse): string {
  return [titleOf(course), ...(course.mode === undefined ? [] : [protectionNames[course.mode]])].join(', ');
}
