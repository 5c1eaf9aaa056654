/**
 * Attacks on acknowledgements that one answer brings for several messages: whoever carries it may vanish, end the session, belong to
 * another, or be nobody at all. None of it costs a message, says more than is durable, or keeps anybody waiting.
 */
import { Agent, request as httpRequest } from 'node:http';
import { createServer, connect as dial, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { type Turn, turn } from '../../src/channel/turn.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { addressing200508 } from '../../src/soap/addressing.ts';
import { encode } from '../../src/soap/codec.ts';
import { payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { type SoapVersion, soap11, soap12 } from '../../src/soap/version.ts';
import { memory } from '../../src/stores/memory.ts';
import { httpTransport } from '../../src/transport/http/transport.ts';
import { type AcceptorEnd, acceptorEnd, saying } from '../reliable/ends.ts';
import { as, Client } from '../reliable/peers.ts';
import { committing } from '../reliable/stores.ts';

/** A turn that ends when the test says so. */
class Hand implements Turn {
  #tasks: (() => void)[] = [];
  atEnd(task: () => void): void {
    this.#tasks.push(task);
  }
  end(): void {
    for (const task of this.#tasks.splice(0)) task();
  }
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
const quiet: Carry = async () => undefined;

class Table {
  readonly hand: Hand = new Hand();
  readonly end: AcceptorEnd;
  constructor(options: ReliableSessionOptions = {}, receive: Carry = quiet) {
    this.end = acceptorEnd({ clock: new VirtualClock(), random: seededRandom(5), ...options }, receive);
  }
  client(who = 'alice', version: ReliableVersion = reliable200702, soap: SoapVersion = soap12): Promise<Client> {
    return new Client(this.end, version, { who, soap }).create();
  }
  /** One message of a turn. */
  ask(client: Client, of: Message): Promise<Message | undefined> {
    return this.end.ask(of, (trip: Delivery) => client.who(trip).with(turn, this.hand));
  }
  /** What a turn brings back. */
  async turn(asks: readonly (readonly [Client, Message])[]): Promise<readonly (Message | undefined)[]> {
    const all = Promise.all(asks.map(([client, of]) => this.ask(client, of)));
    await settled();
    this.hand.end();
    return all;
  }
}

const oneWay = (client: Client, number: number) => client.numbered(number, { messageId: undefined });
const rangesOf = (of: Message | undefined) => (of && readHeaders(of)?.acknowledgements[0]?.ranges) ?? 'nothing';
const idOf = (of: Message | undefined) => of && readHeaders(of)?.acknowledgements[0]?.id;

describe('what one answer says for others', () => {
  test('two sessions of a turn, of two identities: each hears of its own', async () => {
    const table = new Table();
    const alice = await table.client('alice');
    const mallory = await table.client('mallory');
    const answers = await table.turn([
      [alice, oneWay(alice, 1)],
      [mallory, oneWay(mallory, 1)],
      [alice, oneWay(alice, 2)],
      [mallory, oneWay(mallory, 2)],
    ]);
    expect(answers.map(idOf)).toEqual([undefined, undefined, alice.id, mallory.id]);
    expect(answers.map(rangesOf).slice(2)).toEqual([[{ lower: 1, upper: 2 }], [{ lower: 1, upper: 2 }]]);
  });

  test('somebody else’s message on the sequence is refused by itself, and carries for nobody', async () => {
    const table = new Table();
    const alice = await table.client('alice');
    const mine = oneWay(alice, 1);
    const forged = oneWay(alice, 2);
    const all = Promise.all([
      table.ask(alice, mine),
      table.end.ask(forged, (trip) => as('mallory')(trip).with(turn, table.hand)),
    ]);
    await settled();
    table.hand.end();
    const [first, second] = await all;
    expect(rangesOf(first)).toEqual([{ lower: 1, upper: 1 }]);
    expect(second && readReliableFault(second)?.fault.name).toBe('UnknownSequence');
  });

  test('a message that the store refused is neither in it nor carries it', async () => {
    const good = memory();
    let refuses = 0;
    const store = committing(good, (change) => {
      if (change.put?.some(({ number }) => number === refuses) === true) return Promise.reject(new Error('full'));
      return good.commit(change);
    });
    const table = new Table({ store, ordered: false });
    const alice = await table.client();
    refuses = 3;
    const first = await table.turn([1, 2, 3].map((number) => [alice, oneWay(alice, number)] as const));
    expect(first.map(rangesOf)).toEqual(['nothing', [{ lower: 1, upper: 2 }], 'nothing']);
    refuses = 5;
    const second = await table.turn([4, 5, 6].map((number) => [alice, oneWay(alice, number)] as const));
    expect(second.map(rangesOf)).toEqual([
      'nothing',
      'nothing',
      [
        { lower: 1, upper: 2 },
        { lower: 4, upper: 4 },
        { lower: 6, upper: 6 },
      ],
    ]);
  });

  test.each(reliableVersions.flatMap((version) => [soap11, soap12].map((soap) => ({ version, soap }))))(
    'the session is closed, ended or given up within the turn, $version.name, SOAP $soap.name: nobody waits, nothing untrue',
    async ({ version, soap }) => {
      for (const how of ['terminated', 'aborted', 'stopped'] as const) {
        const table = new Table();
        const alice = await table.client('alice', version, soap);
        const all = Promise.all([1, 2].map((number) => table.ask(alice, oneWay(alice, number))));
        await settled();
        if (how === 'terminated') await table.ask(alice, alice.about('TerminateSequence', 2));
        if (how === 'aborted') table.end.channel.abort(new Error('gone'));
        if (how === 'stopped') await table.end.channel.close();
        table.hand.end();
        const answers = await all;
        expect(answers.map(rangesOf), how).toEqual(['nothing', [{ lower: 1, upper: 2 }]]);
      }
    },
  );

  test('a copy beside its original, whichever is last: acknowledged by itself', async () => {
    const table = new Table();
    const alice = await table.client();
    const answers = await table.turn([
      [alice, oneWay(alice, 1)],
      [alice, oneWay(alice, 1)],
      [alice, oneWay(alice, 1)],
    ]);
    expect(answers.map(rangesOf).filter((ranges) => ranges !== 'nothing').length).toBeGreaterThanOrEqual(2);
    for (const ranges of answers.map(rangesOf))
      if (ranges !== 'nothing') expect(ranges).toEqual([{ lower: 1, upper: 1 }]);
  });

  test('2,000 turns one after the other: each is answered in its own, and holds on to nothing', async () => {
    const table = new Table();
    const alice = await table.client();
    for (let number = 1; number <= 2_000; number += 1) {
      const answer = table.ask(alice, oneWay(alice, number));
      if (number % 7 === 0) await settled();
      table.hand.end();
      await settled();
      table.hand.end();
      expect(rangesOf(await answer)).toEqual([{ lower: 1, upper: number }]);
    }
  });
});

/** A proxy that cuts connections while answers with acknowledgements are on their way. */
async function overHttp(
  version: ReliableVersion,
  init: { readonly ordered: boolean; readonly wantsReply?: boolean; readonly kill: (answer: number) => boolean },
) {
  const heard: string[] = [];
  const session = (more: ReliableSessionOptions = {}) =>
    reliableSession({
      version,
      ordered: init.ordered,
      oneWay: init.wantsReply !== true,
      maxTransferWindowSize: 16,
      retryFloor: 20,
      ...more,
    });
  const elements = (more?: ReliableSessionOptions) => [exchange({ addressing: addressing200508 }), session(more)];
  let answers = 0;
  const service = await listen(binding(elements(), httpTransport()), new URL('http://127.0.0.1:0/'), async (trip) => {
    heard.push(payload(trip.message)?.text ?? '');
    return init.wantsReply === true ? trip.carrying(saying('re', trip.message.version, 'urn:test:re')) : undefined;
  });
  const sockets = new Set<Socket>();
  const relay = createServer((near) => {
    const far = dial(Number(service.url.port), '127.0.0.1');
    for (const one of [near, far]) {
      sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        near.destroy();
        far.destroy();
        sockets.delete(one);
      });
    }
    near.on('data', (data) => far.write(data));
    far.on('data', (data) => {
      if (data.includes('AcknowledgementRange')) {
        answers += 1;
        if (init.kill(answers)) return near.destroy();
      }
      near.write(data);
      return undefined;
    });
  });
  await new Promise<void>((done) => relay.listen(0, '127.0.0.1', done));
  const address = relay.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const to = new URL(`http://127.0.0.1:${port}/`);
  const channel = connect(binding(elements({ to }), httpTransport({ client: { connections: 16 } })), to);
  return {
    heard,
    channel,
    end: async () => {
      await service.close(AbortSignal.abort(new Error('the test is over')));
      relay.close();
      for (const one of sockets) one.destroy();
    },
  };
}

describe.each(reliableVersions)('over HTTP, WS-RM $name', (version) => {
  test.each([
    [true, false],
    [false, false],
    [true, true],
  ])(
    'every third answer that carries one is cut off (ordered: %s, replies: %s): all arrive once',
    async (ordered, wantsReply) => {
      const made = await overHttp(version, { ordered, wantsReply, kill: (answer) => answer % 3 === 0 });
      const texts = Array.from({ length: 60 }, (_, at) => `${at}`);
      await made.channel.open();
      await Promise.all(texts.map((text) => made.channel.send(delivery(saying(text)).with(expectsReply, wantsReply))));
      await made.channel.close();
      expect(ordered ? made.heard : [...made.heard].sort((one, other) => Number(one) - Number(other))).toEqual(texts);
      await made.end();
    },
  );
});

test('a client that hangs up with the message that would have carried it: the others are told when they ask again', async () => {
  const heard: string[] = [];
  const via = binding(
    [exchange({ addressing: addressing200508 }), reliableSession({ clock: new VirtualClock() })],
    httpTransport(),
  );
  const service = await listen(via, new URL('http://127.0.0.1:0/'), async (trip) => {
    heard.push(payload(trip.message)?.text ?? '');
    return undefined;
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const post = (of: Message, hangUp = false): Promise<string> =>
    new Promise((answered) => {
      const { body, contentType, headers } = encode(of);
      const asked = httpRequest(
        service.url,
        { method: 'POST', agent, headers: { ...headers, 'content-type': contentType } },
        (response) => {
          let text = '';
          response.on('data', (chunk) => {
            text += String(chunk);
          });
          response.on('end', () => answered(text));
        },
      );
      asked.on('error', () => answered('cut'));
      asked.end(body, () => {
        if (hangUp) asked.destroy();
      });
    });
  const end: AcceptorEnd = { channel: undefined as never, ask: async () => undefined };
  const client = new Client(end, reliable200702);
  const created = await post(client.createMessage());
  client.id = /Identifier>([^<]+)</.exec(created)?.[1] ?? '';
  const answers = await Promise.all([post(oneWay(client, 1)), post(oneWay(client, 2)), post(oneWay(client, 3), true)]);
  expect(answers[2]).toBe('cut');
  expect(await post(oneWay(client, 1))).toMatch(/Lower="1" Upper="[23]"/);
  expect(heard).toEqual(expect.arrayContaining(['message 1', 'message 2']));
  expect(new Set(heard).size).toBe(heard.length);
  agent.destroy();
  await service.close(AbortSignal.abort(new Error('the test is over')));
});
