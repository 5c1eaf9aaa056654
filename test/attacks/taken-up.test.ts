/**
 * A service that is started again takes up the duplex sessions of its store when the first client comes, whoever that is: what it has
 * to say in a session it says to the client of that session, and to nobody else.
 */
import { expect, test } from 'vitest';
import { later } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { type Binding, binding, connect, listen } from '../../src/channel/binding.ts';
import { callbackChannel } from '../../src/channel/callback.ts';
import type { BindingElement, Channel } from '../../src/channel/channel.ts';
import { exchange, expectsReply } from '../../src/channel/correlation.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network } from '../../src/channel/network.ts';
import type { Transport } from '../../src/channel/transport.ts';
import { compositeDuplex } from '../../src/connection/composite-duplex.ts';
import { makeConnection } from '../../src/connection/make-connection.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { ackRequestedHeader } from '../../src/reliable/headers.ts';
import { readAcceptorRecord } from '../../src/reliable/record.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import type { SessionStore } from '../../src/reliable/store.ts';
import { versionNamed } from '../../src/reliable/versions/table.ts';
import { security } from '../../src/security/element.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import { addressing200508, withAddressing } from '../../src/soap/addressing.ts';
import { message, payload, withHeaders } from '../../src/soap/envelope.ts';
import { soap12 } from '../../src/soap/version.ts';
import { memory } from '../../src/stores/memory.ts';
import { saying, service } from '../conversation/duplex-rig.ts';
import { SimulationClock } from '../simulation/clock.ts';
import { noMore, Process } from '../simulation/mortal.ts';

const second = 1_000;
const shapes = ['one connection', 'two connections', 'MakeConnection'] as const;

function world(shape: (typeof shapes)[number]) {
  const clock = new SimulationClock();
  const network = new Network({ clock });
  const peer = { secure: true };
  const net = loopback({ network, peer, server: peer, duplex: shape === 'one connection' });
  const over = (protection: BindingElement, client: string): readonly [readonly BindingElement[], Transport] => {
    if (shape === 'one connection') return [[protection], net];
    if (shape === 'MakeConnection') return [[], makeConnection(binding([protection], net), { clock })];
    const callbackAddress = new URL(`http://${client}.example:0/callback`);
    const replyHosts = ['alice.example', 'bob.example'];
    return [[protection], compositeDuplex(net, { clock, callbackAddress, replyHosts })];
  };
  let seed = 0;
  const bound = (
    elements: readonly BindingElement[],
    transport: Transport,
    options: ReliableSessionOptions,
  ): Binding => {
    seed += 1;
    const session = reliableSession({ clock, random: seededRandom(seed), to: service, ...options });
    return binding([exchange({ addressing: addressing200508, to: service }), session, ...elements], transport);
  };
  const as = (user: string) =>
    usernameOverTransport({ username: { user, password: `the password of ${user}`, form: 'text' } });
  const until = <T>(work: Promise<T>): Promise<T> => clock.until(work, 3_600 * second);
  return {
    /** Asks of everything that contains the text whether it gets lost. */
    lose: (text: string, isLost: () => boolean) =>
      network.script(({ octets }) =>
        new TextDecoder().decode(octets).includes(text) && isLost() ? 'lose' : undefined,
      ),
    until,
    pass: (seconds: number) =>
      until(new Promise<void>((resolve) => clock.at(later(clock.now(), seconds * second), resolve))),
    serve: async (kept: SessionStore, receive: Carry) => {
      const policy = usernameOverTransport({ passwords: { password: (user) => `the password of ${user}` } });
      const [elements, transport] = over(security(policy, { clock }), 'service');
      const process = new Process(transport);
      const store = process.store(kept);
      return {
        process,
        listener: await until(listen(bound(elements, process.transport, { store }), service, receive)),
      };
    },
    client: (user: string, receive: Carry): Channel => {
      const [elements, transport] = over(security(as(user), { clock }), user);
      return connect(bound(elements, transport, { maxRetryCount: 1_000 }), service, receive);
    },
    /** Asks for an acknowledgement of the session, naming no address to answer to. */
    word: async (user: string, kept: SessionStore) => {
      const sessions = (await kept.sessions()).flatMap(({ state }) => readAcceptorRecord(state) ?? []);
      const [{ version = '', receipt = undefined } = {}] = sessions;
      const row = versionNamed(version);
      if (row === undefined || receipt === undefined) throw new Error('the store has no session');
      const action = row.actions.ackRequested;
      const said = withAddressing(message({ version: soap12, action }), {
        version: addressing200508,
        action,
        to: service.href,
      });
      const asking = withHeaders(said, [ackRequestedHeader(row, soap12, receipt.id)]);
      await until(connect(binding([security(as(user), { clock })], net), service).send(delivery(asking)));
    },
  };
}

test.each(shapes)(
  'M16 over %s, what the store kept for one client is not said to another that comes first',
  async (shape) => {
    const on = world(shape);
    const answers: string[] = [];
    const serve: Carry = async (trip) => {
      if (payload(trip.message)?.text !== 'call me') return undefined;
      const reply = await callbackChannel(trip).send(delivery(saying('urn:back', 'for alice')));
      answers.push(reply === undefined ? '' : (payload(reply.message)?.text ?? ''));
      return undefined;
    };
    const heard: string[] = [];
    const hear =
      (who: string): Carry =>
      async (trip) => {
        heard.push(`${who}: ${payload(trip.message)?.text}`);
        return trip.carrying(saying('urn:re', `thanks from ${who}`));
      };
    let [isBad, said] = [true, 0];
    on.lose('for alice', () => {
      said += 1;
      return isBad;
    });
    const store = memory();
    const { process, listener } = await on.serve(store, serve);
    const alice = on.client('alice', hear('alice'));
    await on.until(alice.send(delivery(saying('urn:ask', 'call me')).with(expectsReply, false)));
    let isAway = true;
    on.lose('>alice<', () => isAway);
    await on.pass(1);
    process.kill();
    await on.until(listener.close(AbortSignal.abort(noMore)).catch(() => undefined));

    const { listener: again } = await on.serve(store, serve);
    [isBad, said] = [false, 0];
    const bob = on.client('bob', hear('bob'));
    await on.until(bob.send(delivery(saying('urn:ask', 'hello')).with(expectsReply, false)));
    if (shape !== 'one connection') {
      isAway = false;
      await on.word('alice', store);
      isAway = true;
    }
    await on.pass(60);
    expect(said).toBe(0);
    expect(heard).toEqual([]);

    isAway = false;
    await on.pass(300);
    // Once more by the handler that was at work when its process died.
    expect(heard).toEqual(['alice: for alice', 'alice: for alice']);
    expect(answers).toEqual(['thanks from alice']);
    for (const one of [bob, alice, again]) await on.until(one.close());
  },
);
