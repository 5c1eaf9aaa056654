/**
 * The octets that a real .NET WCF client put on the wire, byte for byte, at a surewire endpoint that listens on HTTP: each is
 * answered as that client requires (facts/wcf-implementation.md 3.13; the messages themselves are held to the recorded ones
 * in captures.test.ts).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request as httpRequest } from 'node:http';
import { resolve } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { binding, listen } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import type { Listener } from '../../src/channel/transport.ts';
import { readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import { includes } from '../../src/reliable/ranges.ts';
import { versionOf } from '../../src/reliable/versions/table.ts';
import { addressing200508 } from '../../src/soap/addressing.ts';
import { decode } from '../../src/soap/codec.ts';
import { message, payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { cleanCaptures, hasCaptures, recorded, withoutData } from './recorded.ts';

const captures = resolve(import.meta.dirname, '../../../shared/captures');

interface Octets {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The requests of a capture as they were on the wire. */
function requestsOf(name: string): readonly Octets[] {
  const folder = resolve(captures, name);
  return readdirSync(folder)
    .filter((file) => file.endsWith('-request.http'))
    .sort()
    .map((file) => {
      const octets = readFileSync(resolve(folder, file));
      const end = octets.indexOf('\r\n\r\n');
      const [, ...lines] = octets.subarray(0, end).toString('latin1').split('\r\n');
      const fields = lines.map((line) => /^([^:]*): *(.*)$/.exec(line)?.slice(1) ?? []);
      return { headers: Object.fromEntries(fields), body: octets.subarray(end + 4) };
    });
}

const hasSequence = ({ body, headers }: Octets): boolean =>
  readHeaders(decode(body, headers['Content-Type']))?.sequence !== undefined;

interface Answer {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly message: Message | undefined;
}

const required = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('a value is required here');
  return value;
};

let listener: Listener | undefined;
const agent = new Agent({ keepAlive: true });
afterEach(async () => {
  await listener?.close(AbortSignal.abort(new Error('the test is over')));
  listener = undefined;
});

/** The echo service of the captures; `id` is the identifier that the recorded server gave. */
async function endpoint(name: string): Promise<{ heard: string[]; post: (octets: Octets) => Promise<Answer> }> {
  const [create] = recorded(name);
  const answer = required(create?.response?.message);
  const version = required(versionOf(answer.action.slice(0, answer.action.lastIndexOf('/'))));
  const { id } = readCreateSequenceResponse(version, answer);
  const heard: string[] = [];
  const session = reliableSession({
    clock: new VirtualClock(),
    random: seededRandom(1),
    ordered: !name.includes('unordered'),
    newIdentifier: (use) => (use === 'sequence' ? id : `urn:uuid:${use}`),
  });
  const via = binding([exchange({ addressing: addressing200508 }), session], httpTransport());
  const started = await listen(via, new URL('http://127.0.0.1:0/echo'), async (trip) => {
    const asked = payload(trip.message);
    heard.push(asked?.text ?? '');
    if (asked?.local === 'Notify') return undefined;
    const body = new XmlWriter()
      .start('urn:peers:echo', 'EchoResponse', '')
      .element('urn:peers:echo', 'EchoResult', asked?.text ?? '', '')
      .end()
      .finish();
    const action = 'urn:peers:echo/EchoService/EchoResponse';
    return trip.carrying(message({ version: trip.message.version, action, body }));
  });
  listener = started;
  const post = ({ headers, body }: Octets): Promise<Answer> =>
    new Promise((answered, failed) => {
      const asked = httpRequest(started.url, { method: 'POST', agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const octets = Buffer.concat(chunks);
          const contentType = response.headers['content-type'];
          answered({
            status: response.statusCode ?? 0,
            contentType,
            message: octets.length === 0 ? undefined : decode(octets, contentType),
          });
        });
      });
      asked.on('error', failed);
      asked.end(body);
    });
  return { heard, post };
}

describe.skipIf(!hasCaptures)(
  `the octets of a WCF client at an HTTP endpoint ${hasCaptures ? '' : withoutData}`,
  () => {
    test.each(cleanCaptures)(
      '%s: every one is accepted; every numbered one gets 200 and its own acknowledgement',
      async (name) => {
        const { post, heard } = await endpoint(name);
        const requests = requestsOf(name);
        for (const octets of requests) {
          const { status, contentType, message: answer } = await post(octets);
          const sequence = readHeaders(decode(octets.body, octets.headers['Content-Type']))?.sequence;
          expect(status).toBe(answer === undefined ? 202 : 200);
          if (answer !== undefined) expect(contentType).toMatch(/^application\/soap\+xml; charset=utf-8/);
          if (sequence === undefined) continue;
          const acknowledged = readHeaders(required(answer))?.acknowledgements ?? [];
          expect(acknowledged).toHaveLength(1);
          expect(acknowledged[0]?.id).toBe(sequence.id);
          expect(includes(acknowledged[0]?.ranges ?? [], Number(sequence.number))).toBe(true);
        }
        const said = requests
          .map(({ body, headers }) => payload(decode(body, headers['Content-Type'])))
          .filter((asked) => asked?.local === 'Echo' || asked?.local === 'Notify')
          .map((asked) => asked?.text);
        expect(heard).toEqual(said);
      },
    );

    test.each(cleanCaptures)(
      '%s: 11. of an unknown sequence: UnknownSequence, Sender, its identifier, status 500',
      async (name) => {
        const { post, heard } = await endpoint(name);
        const numbered = required(requestsOf(name).find(hasSequence));
        const id = readHeaders(decode(numbered.body, numbered.headers['Content-Type']))?.sequence?.id;
        const { status, message: answer } = await post(numbered);
        expect(status).toBe(500);
        expect(readReliableFault(required(answer))?.fault).toMatchObject({
          name: 'UnknownSequence',
          code: 'sender',
          identifier: id,
        });
        expect(heard).toEqual([]);
      },
    );

    test.each(cleanCaptures)('%s: 12. a flood of one message: heard once, every copy acknowledged', async (name) => {
      const { post, heard } = await endpoint(name);
      const [create, ...others] = requestsOf(name);
      await post(required(create));
      const first = required(others.find(hasSequence));
      const answers = await Promise.all(Array.from({ length: 8 }, () => post(first)));
      expect(heard).toHaveLength(1);
      const replies = new Set(answers.map(({ message: answer }) => readHeaders(required(answer))?.sequence?.number));
      expect(replies.size).toBe(1);
      for (const { message: answer } of answers) {
        expect(readHeaders(required(answer))?.acknowledgements[0]?.ranges).toEqual([{ lower: 1, upper: 1 }]);
      }
    });
  },
);
