/**
 * A context whose key both ends have, over channels on which both ends speak unasked: what one of them said must not come back to it (R7,
 * M31), what is said to one client must not go out under the context of another that names the same address (M15, M16), nobody but the
 * owner of a sequence says anything of it (M2 to M5, M10, M19, M30), and what proves nothing changes nothing (M5).
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import { callbackChannel } from '../../src/channel/callback.ts';
import type { Channel } from '../../src/channel/channel.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import { conversationFault } from '../../src/conversation/faults.ts';
import { conversation200512 } from '../../src/conversation/versions/v200512.ts';
import { readCreateSequence } from '../../src/reliable/bodies.ts';
import type { SessionView } from '../../src/reliable/session.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { addressingOf, anonymousReference, referenceTo, withAddressing } from '../../src/soap/addressing.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { encodeEnvelope, payload } from '../../src/soap/envelope.ts';
import { faultReply } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { DuplexTalk, saying, service, shapes } from '../conversation/duplex-rig.ts';
import { type Bootstrap, bootstraps } from '../conversation/rig.ts';
import { idle, read } from '../security/rig.ts';
import { attacks, outcomeOf, type Target } from './swaps.ts';

const named = (name: string): Bootstrap => {
  const found = bootstraps.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no bootstrap ${name}`);
  return found;
};

const mutual = named('mutual certificates');
const byPassword = named('user name for certificate');
const [webSocket, twoConnections] = shapes;
if (webSocket === undefined || twoConnections === undefined) throw new Error('There are both.');

type End = 'client' | 'service';

/** Two ends with a hand in between that keeps octets and may say them again, to whom it likes. */
class Hand {
  readonly said: Record<End, string[]> = { client: [], service: [] };
  readonly heard: Record<End, string[]> = { client: [], service: [] };
  readonly #up: Record<End, Carry> = { client: async () => undefined, service: async () => undefined };
  readonly #ends = new Map<End, Channel>();

  readonly #listening: string | undefined;

  /** @param listening where the client is reached, on connections that anybody can make, all of them over TLS */
  constructor(listening: string | undefined) {
    this.#listening = listening;
  }

  static async of(bootstrap: Bootstrap, listening?: string): Promise<Hand> {
    const hand = new Hand(listening);
    hand.#end('client', secureConversation({ bootstrap: await bootstrap.client() }));
    hand.#end('service', secureConversation({ bootstrap: await bootstrap.service() }));
    return hand;
  }

  channel(of: End): Channel {
    const found = this.#ends.get(of);
    if (found === undefined) throw new Error(`there is no ${of}`);
    return found;
  }

  /** Octets, as they are, to an end; what it answers goes to the other. */
  async say(to: End, octets: string): Promise<void> {
    const answer = await this.#up[to](delivery(read(octets)).with(peer, { secure: this.#listening !== undefined }));
    if (answer !== undefined) await this.#carry(to, answer.message);
  }

  async #carry(from: End, message: Message): Promise<void> {
    const octets = new TextDecoder().decode(encodeEnvelope(message));
    this.said[from].push(octets);
    await this.say(from === 'client' ? 'service' : 'client', octets);
  }

  #end(name: End, element: ReturnType<typeof secureConversation>): void {
    const bottom = (receive: Carry): Channel => {
      this.#up[name] = receive;
      const send: Carry = async (trip) => {
        await this.#carry(name, trip.message);
        return undefined;
      };
      const replyTo = name === 'client' ? this.#listening : undefined;
      return { ...idle(name === 'client' ? 'initiator' : 'acceptor', send), isDuplex: true, replyTo };
    };
    const top = element.wrap(bottom)(async (trip) => {
      this.heard[name].push(payload(trip.message)?.text ?? '');
      return undefined;
    });
    this.#ends.set(name, top);
  }
}

function said(text: string): Message {
  const to = service.href;
  return withAddressing(saying('urn:say', text), { version: addressing200508, action: 'urn:say', to });
}

/** Codes of refusals while `work` is done. */
async function refusals(work: () => Promise<unknown>): Promise<readonly string[]> {
  const codes: string[] = [];
  const listen = (event: unknown) => {
    const { event: name, code } = event as { event: string; code?: string };
    if (/refused$/.test(name) && code !== undefined) codes.push(code);
  };
  subscribe('surewire:security', listen);
  try {
    await work();
  } finally {
    unsubscribe('surewire:security', listen);
  }
  return codes;
}

describe('what an end has said itself', () => {
  test('comes back to neither end as a word of the other (R7, M31)', async () => {
    const hand = await Hand.of(mutual);
    await hand.channel('client').send(delivery(said('up')));
    await hand.channel('service').send(delivery(said('down')));
    expect(hand.heard).toEqual({ client: ['down'], service: ['up'] });
    const again = hand.said.service.at(-1) ?? '';
    for (const end of ['client', 'service'] as const) {
      const own = hand.said[end].at(-1) ?? '';
      expect((await refusals(() => hand.say(end, own)))[0], end).toBe('SECURITY_REFLECTED');
    }
    // The token that only clients send is not signed, so its absence proves no direction.
    const bare = (hand.said.client.at(-1) ?? '').replace(/<c:SecurityContextToken.*?<\/c:SecurityContextToken>/, '');
    const reflected = await refusals(() => hand.say('client', bare));
    expect(reflected).toHaveLength(1);
    expect(hand.heard).toEqual({ client: ['down'], service: ['up'] });
    // And what is said again is refused as it always was.
    expect(await refusals(() => hand.say('client', again))).toEqual(['SECURITY_REPLAY']);
    expect(hand.heard.client).toEqual(['down']);
  });

  test('a request that ends the context does not end it when it comes back', async () => {
    const hand = await Hand.of(mutual);
    await hand.channel('client').send(delivery(said('up')));
    await hand.channel('client').close();
    const cancel = hand.said.client.at(-1) ?? '';
    expect(cancel).toContain('/RST/SCT/Cancel');
    const before = hand.said.client.length;
    await hand.say('client', cancel);
    expect(hand.said.client).toHaveLength(before);
  });
});

test('what is unsigned, garbled or under the context of nobody changes nothing at the client, and is not answered (M5)', async () => {
  const hand = await Hand.of(mutual);
  await hand.channel('client').send(delivery(said('up')));
  await hand.channel('service').send(delivery(said('down')));
  const good = hand.said.service.at(-1) ?? '';
  const before = hand.said.client.length;
  const plain = new TextDecoder().decode(encodeEnvelope(said('forged')));
  const garbled = good.replace(/(<[a-z]+:CipherValue>)(.)/, (_, tag, first) => `${tag}${first === 'A' ? 'B' : 'A'}`);
  for (const bad of [plain, garbled, good.replace(/urn:uuid:/g, 'urn:uuid:0')]) {
    expect(await refusals(() => hand.say('client', bad))).not.toEqual([]);
  }
  expect(hand.said.client).toHaveLength(before);
  await hand.channel('service').send(delivery(said('still')));
  expect(hand.heard.client).toEqual(['down', 'still']);
});

test('M5 whoever can connect to a client takes no context from it: only a fault about what it has said is looked at', async () => {
  const hand = await Hand.of(mutual, 'https://client.example/callback');
  const id = 'urn:uuid:of-the-first';
  const first = withAddressing(said('up'), { version: addressing200508, action: 'urn:say', messageId: id });
  await hand.channel('client').send(delivery(first));
  const asked = () => hand.said.client.filter((octets) => octets.includes('/RST/SCT<')).length;
  expect(asked()).toBe(1);
  const unknown = conversationFault(conversation200512, 'BadContextToken');
  const forged = (relatesTo?: string) => {
    const fault = faultReply(undefined, unknown, { version: soap12 });
    const action = addressing200508.soapFaultAction;
    return new TextDecoder().decode(
      encodeEnvelope(withAddressing(fault, { version: addressing200508, action, relatesTo })),
    );
  };
  for (const relatesTo of [undefined, 'urn:uuid:of-another']) await hand.say('client', forged(relatesTo));
  await hand.channel('client').send(delivery(said('again')));
  expect(asked()).toBe(1);
  // Nobody else has seen the name of the message.
  await hand.say('client', forged(id));
  await hand.channel('client').send(delivery(said('anew')));
  expect(asked()).toBe(2);
  expect(hand.heard.service).toEqual(['up', 'again', 'anew']);
});

test.each([undefined, { version: reliable200702 }])(
  'a client that names the address of another is told nothing of it, and takes nothing away from it (M15, M16) %#',
  async (session) => {
    const talk = new DuplexTalk(twoConnections, byPassword, {}, session);
    const backs = new Map<string, (text: string) => Promise<unknown>>();
    await talk.listen(async (trip) => {
      const channel = callbackChannel(trip);
      backs.set(payload(trip.message)?.text ?? '', (text) => channel.send(delivery(saying('urn:back', text))));
      return trip.carrying(saying('urn:answer', 'yes'));
    });
    const victim = await talk.connect('alice');
    await talk.ask(victim, 'victim');
    const first = talk.wire.find(({ message }) => message.action.endsWith('RST/SCT'));
    const address = (first && addressingOf(first.message)?.replyTo?.address) ?? '';
    expect(address).toMatch(/^http:\/\/client\.example/);
    // A client of its own right, which says that it is reached where the victim is.
    const attacker = await talk.stranger('mallory');
    const replyTo = referenceTo(address);
    const naming = { version: addressing200508, action: 'urn:ask', to: service.href, messageId: 'urn:m:1', replyTo };
    await talk.until(attacker.send(delivery(withAddressing(saying('urn:ask', 'attacker'), naming))));
    const own = talk.wire.findLast(({ message }) => message.action === 'urn:ask');
    const sent = own === undefined ? '' : new TextDecoder().decode(encodeEnvelope(own.message));
    const [, context = 'none'] = /SecurityContextToken.*?Identifier[^>]*>([^<]+)</.exec(sent) ?? [];
    expect(context).toMatch(/^urn:uuid:/);
    await talk.pass(1_000);
    const before = talk.wire.length;
    await talk.until(backs.get('victim')?.('for the victim') ?? Promise.reject(new Error('nobody')));
    expect(talk.told).toEqual(['for the victim']);
    const octets = talk.wire.slice(before).map(({ message }) => new TextDecoder().decode(encodeEnvelope(message)));
    expect(octets.length).toBeGreaterThan(0);
    for (const one of octets) expect(one).not.toContain(context);
    await talk.until(victim.close());
  },
);

describe.each(reliableVersions)('WS-RM $name', (version) => {
  test.each([webSocket, twoConnections])(
    '$name: every kind of message against the sequence of another',
    async (shape) => {
      let view: SessionView | undefined;
      const onSession = (session: SessionView) => {
        view = session;
      };
      const talk = new DuplexTalk(shape, byPassword, {}, { version });
      await talk.listen();
      const victim = await talk.connect('alice', {}, { onSession });
      await talk.ask(victim, 'one');
      const create = talk.wire.find(({ message }) => message.action === version.actions.createSequence)?.message;
      const offer = (create && readCreateSequence(version, create).offer?.id) ?? '';
      const target: Target = { version, id: view?.id ?? '', offer };
      expect([target.id, target.offer]).not.toContain('');

      const heard: Message[] = [];
      const attacker = await talk.raw('mallory', async ({ message }) => {
        heard.push(message);
        return undefined;
      });
      let number = 0;
      const outcome = async (attack: Message): Promise<string> => {
        heard.length = 0;
        number += 1;
        const here =
          attacker.replyTo === undefined ? anonymousReference(addressing200508) : referenceTo(attacker.replyTo);
        const known = { version: addressing200508, action: attack.action, to: service.href };
        const addressed = withAddressing(attack, { ...known, messageId: `urn:attack:${number}`, replyTo: here });
        await talk.until(attacker.send(delivery(addressed)));
        await talk.pass(1_000);
        return outcomeOf(heard[0]);
      };
      await talk.until(attacker.open());
      for (const attack of attacks) {
        if (attack.versions?.(version) === false) continue;
        // Answers that nobody waits for are not answered where both ends send unasked.
        const due = attack.answer === 'no message of a session' ? 'nothing' : attack.answer;
        expect(await outcome(attack.message(target)), attack.name).toBe(due);
        const never = { ...target, id: 'urn:never', offer: 'urn:never' };
        if (attack.answer === 'UnknownSequence') {
          expect(await outcome(attack.message(never)), attack.name).toBe(attack.answer);
        }
      }
      expect(talk.served).toEqual(['one']);
      expect(await talk.ask(victim, 'two')).toBe('re: two, heard');
      await talk.until(victim.close());
      expect([talk.served, talk.told]).toEqual([
        ['one', 'two'],
        ['back: one', 'back: two'],
      ]);
      expect(await victim.closed).toBeUndefined();
    },
  );
});
