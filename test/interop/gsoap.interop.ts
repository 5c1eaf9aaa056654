/** gSOAP's wsrmapi on the other end of the wire, in both directions; first the two gSOAP peers against each other. */
import { describe, expect, test } from 'vitest';
import { asExecuted, CLOSE_LIMIT, type Course, digestOf, executed, plain, titleOf, versions } from './course.ts';
import { disturbances } from './disturbances.ts';
import type { RmVersion } from './gsoap-build.ts';
import { executedBy, gsoapClient, gsoapServer } from './gsoap-peer.ts';
import { callsGsoap, faultOfGsoap, gsoapCalls, gsoapEnds, operations, withGsoap } from './gsoap-runs.ts';
import type { Mishap, Plan } from './relay.ts';
import { scenario, unclaimed, withPeer } from './suite.ts';
import { textsOf } from './surewire-end.ts';

/** What the product promises, and each shape in SOAP 1.1 and with a larger message. */
const courses: readonly Course[] = versions.flatMap((version) =>
  operations.flatMap((operation) => [
    { ...plain, version, operation },
    { ...plain, version, operation, secure: true },
    { ...plain, version, operation, soap: '1.1' },
    { ...plain, version, operation, size: 65_536 },
    { ...plain, version, operation, messages: 100 },
  ]),
);

/** How often a row is tried again that gSOAP's own threads may break, where they break it every second time. */
const RACES = 16;

/** Every fourth exchange is lost, its request and its answer in turn. */
const unlucky: Plan = (exchange): Mishap | undefined => {
  if (exchange % 4 !== 0) return undefined;
  return exchange % 8 === 0 ? 'answer lost' : 'request lost';
};

/** The same where the end of a sequence cannot be repeated: the last exchanges come through. */
const unluckyMessages: Plan = (exchange) => (exchange > 12 ? undefined : unlucky(exchange));

await withPeer('gsoap', gsoapEnds, (ends) => {
  describe('the peers themselves', () => {
    for (const course of courses) {
      test(`gSOAP ${ends.gsoap.release} to itself, WS-RM ${course.version}, ${titleOf(course)}`, async () => {
        const server = await gsoapServer(ends, course);
        try {
          const client = await gsoapClient(ends, course, server.url);
          const sent = executed(client.events, 'sent');
          expect(sent).toHaveLength(course.messages);
          expect(await executedBy(server.child, course, sent.length)).toEqual(sent);
        } finally {
          await server.child.stop();
        }
      });
    }
  });

  describe('gSOAP opens a session with surewire', () => {
    const row = { peer: 'gsoap', direction: 'gsoap -> surewire' } as const;

    const run = (course: Course, more: readonly string[] = [], plan?: Plan): Promise<void> =>
      gsoapCalls(ends, course, { more, plan });

    for (const course of courses) {
      const { version } = course;
      scenario({ ...row, version, scenario: titleOf(course) }, () => run(course));
    }
    for (const version of versions) {
      const one = { ...row, version };
      const oneWay: Course = { ...plain, version, operation: 'notify' };
      scenario({ ...one, scenario: 'one-way without an Offer' }, () => run(oneWay, ['-f']));
      scenario({ ...one, scenario: 'request-reply without an Offer' }, () => run({ ...plain, version }, ['-f']));
      scenario({ ...one, scenario: 'request-reply without an Offer, exchanges lost on the way' }, () =>
        run({ ...plain, version }, ['-f', '-r', '5'], unluckyMessages),
      );
      scenario({ ...one, scenario: 'one-way, terminated without being closed' }, () => run(oneWay, ['-x']));
      scenario({ ...one, scenario: 'several sequences one after the other' }, () =>
        run({ ...plain, version }, ['-q', '3']),
      );
      scenario({ ...one, scenario: 'protocol messages with a MessageID' }, () => run({ ...plain, version }, ['-m']));
      scenario({ ...one, scenario: 'request-reply, an operation answers with a fault' }, () =>
        run({ ...plain, version }, ['-e']),
      );
      scenario({ ...one, scenario: 'request-reply, exchanges lost on the way' }, () =>
        run({ ...plain, version }, ['-r', '5'], unluckyMessages),
      );
      scenario({ ...one, scenario: 'one-way, exchanges lost on the way' }, () =>
        run(oneWay, ['-r', '5'], unluckyMessages),
      );
      for (const operation of operations) {
        for (const { what, plan, operation: only } of disturbances) {
          if ((only ?? operation) !== operation) continue;
          const course = { ...plain, version, operation };
          scenario({ ...one, scenario: `${titleOf(course)}, ${what(operation)}` }, () =>
            run(course, ['-r', '5'], plan()),
          );
        }
        const large: Course = { ...plain, version, operation, size: 1_048_576, messages: 3 };
        scenario({ ...one, scenario: titleOf(large) }, () => run(large));
      }
      scenario({ ...one, scenario: 'four sessions at the same time' }, async () => {
        await Promise.all([1, 2, 3, 4].map(() => run({ ...plain, version })));
      });
    }
  });

  describe('surewire opens a session with gSOAP', () => {
    const row = { peer: 'gsoap', direction: 'surewire -> gsoap' } as const;

    const run = (course: Course, plan?: Plan): Promise<void> => callsGsoap(ends, course, { plan });

    for (const course of courses) {
      const { version } = course;
      scenario({ ...row, version, scenario: titleOf(course) }, () => run(course));
    }
    const atTheSameTime = (version: RmVersion, ordered: boolean): Promise<void> => {
      const course = { ...plain, version, messages: 24 };
      return withGsoap(
        ends,
        course,
        async (client, server) => {
          const texts = textsOf(course);
          const replies = await Promise.all(texts.map((text) => client.echo({ text })));
          expect(replies).toEqual(texts.map((text) => ({ text })));
          await client.close(AbortSignal.timeout(CLOSE_LIMIT));
          expect(await executedBy(server, course, texts.length)).toEqual(texts.map(asExecuted));
        },
        { ordered },
      );
    };

    for (const version of versions) {
      const one = { ...row, version };
      const oneWay: Course = { ...plain, version, operation: 'notify' };
      scenario({ ...one, scenario: 'one-way, exchanges lost on the way' }, () =>
        // Over 1.0 gSOAP acknowledges with the answer to TerminateSequence and nowhere else, and never a second time.
        run({ ...oneWay, keepAlive: false }, version === '1.0' ? unluckyMessages : unlucky),
      );
      for (const operation of operations) {
        const course: Course = { ...plain, version, operation, keepAlive: false };
        for (const { what, plan, losesAnswers, operation: only } of disturbances) {
          if ((only ?? operation) !== operation) continue;
          const row = { ...one, scenario: `${titleOf(course)}, ${what(operation)}` };
          if (losesAnswers && operation === 'echo') {
            unclaimed(row, 'gsoap-server-answer-lost');
          } else scenario(row, () => run(course, plan()));
        }
        const large: Course = { ...course, size: 1_048_576, messages: 3 };
        scenario({ ...one, scenario: titleOf(large) }, () => run(large));
      }
      unclaimed({ ...one, scenario: 'one-way, closed with messages in flight' }, 'gsoap-server-in-flight');
      scenario({ ...one, scenario: 'request-reply, calls at the same time, ordered: false' }, () =>
        atTheSameTime(version, false),
      );
      // Its threads race: half of the time, on a busy machine, one overtakes the one-way message that was answered before it was read.
      scenario(
        { ...one, scenario: 'request-reply and one-way in turn' },
        () =>
          withGsoap(ends, { ...plain, version }, async (client, server) => {
            const oneWay: Promise<unknown>[] = [];
            for (const text of ['one', 'two', 'three']) {
              const told = client.notify({ text });
              // What ends the session is told by the call that is awaited here.
              told.catch(() => undefined);
              oneWay.push(told);
              expect(await client.echo({ text })).toEqual({ text });
            }
            oneWay.push(client.notify({ text: 'four' }));
            const settled = Promise.all(oneWay);
            await Promise.race([server.event('notify', oneWay.length), settled]);
            await Promise.all([settled, client.close(AbortSignal.timeout(CLOSE_LIMIT))]);
            const notified = await executedBy(server, { ...plain, version, operation: 'notify' }, 4);
            expect(notified.map(({ digest }) => digest)).toEqual(['one', 'two', 'three', 'four'].map(digestOf));
          }),
        RACES,
      );
      scenario({ ...one, scenario: 'request-reply, an operation answers with a fault' }, () =>
        faultOfGsoap(ends, { ...plain, version }),
      );
    }
    scenario({ ...row, version: '1.0', scenario: 'request-reply, calls at the same time' }, () =>
      atTheSameTime('1.0', true),
    );
    unclaimed({ ...row, version: '1.1', scenario: 'request-reply, calls at the same time' }, 'gsoap-server-together');
    scenario({ ...row, version: '1.0', scenario: 'request-reply, the server keeps connections alive' }, () =>
      run({ ...plain, version: '1.0', keepAlive: true }),
    );
  });
});
