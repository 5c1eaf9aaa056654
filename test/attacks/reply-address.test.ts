/** Server-side request forgery by wsa:ReplyTo, wsa:FaultTo, AcksTo and Offer/Endpoint (attack M15): nothing that is not listed is dialled. */
import { describe, expect, test } from 'vitest';
import { binding, listen } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import type { Transport } from '../../src/channel/transport.ts';
import { compositeDuplex } from '../../src/connection/composite-duplex.ts';
import { createSequence } from '../../src/reliable/bodies.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { addressing200508, referenceTo, withAddressing } from '../../src/soap/addressing.ts';
import { message } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import { soap12 } from '../../src/soap/version.ts';
import { atRest } from '../simulation/crypto-at-work.ts';

const to = new URL('http://service.example/dual');
const good = 'http://client.example:8080/callback';

/** A network, and what of it is dialled by whoever has it in hand. */
function spying() {
  const net = loopback();
  const dialled: string[] = [];
  const spied: Transport = {
    name: 'spied',
    listen: net.listen,
    connect: (at) => {
      dialled.push(at.href);
      return net.connect(at);
    },
  };
  return { net, spied, dialled };
}

interface Addresses {
  readonly replyTo?: string;
  readonly faultTo?: string;
  readonly acksTo?: string;
  readonly endpoint?: string;
}

/** What a service that may call back `client.example:8080` answers a CreateSequence with, and what it dials. */
async function asked({ replyTo = good, faultTo, acksTo = replyTo, endpoint = replyTo }: Addresses) {
  const { net, spied, dialled } = spying();
  const service = compositeDuplex(spied, { replyHosts: ['client.example:8080'] });
  const elements = [exchange({ addressing: addressing200508 }), reliableSession()];
  await listen(binding(elements, service), to, async () => undefined);
  const heard: string[] = [];
  await net.listen(new URL(good), (session) =>
    session(async (trip) => {
      heard.push(trip.message.action.split('/').at(-1) ?? '');
      return undefined;
    }),
  );
  const body = createSequence(reliable200702, addressing200508, {
    acksTo: referenceTo(acksTo),
    offer: { id: 'urn:offer', endpoint: referenceTo(endpoint) },
  });
  const create = withAddressing(message({ version: soap12, body }), {
    version: addressing200508,
    action: reliable200702.actions.createSequence,
    to: to.href,
    messageId: 'urn:create',
    replyTo: referenceTo(replyTo),
    ...(faultTo === undefined ? {} : { faultTo: referenceTo(faultTo) }),
  });
  const answer = await net
    .connect(to)(async () => undefined)
    .send(delivery(create));
  await atRest();
  return { answer: answer?.message, dialled, heard };
}

test('where everything names the listed host the session is created, and the answer is brought there', async () => {
  const { answer, dialled, heard } = await asked({});
  expect(answer).toBeUndefined();
  expect(dialled).toEqual([good]);
  expect(heard).toEqual(['CreateSequenceResponse']);
});

describe('a ReplyTo that is not listed is refused on its own connection, and not dialled', () => {
  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://127.0.0.1:8080/callback',
    'http://localhost/callback',
    'http://client.example/callback',
    'http://client.example:8081/callback',
    'http://client.example.evil.example:8080/callback',
    'http://client.example:8080@evil.example/callback',
    'http://evil.example/?client.example:8080',
    'http://evil.example#client.example:8080',
    'https://client.example:8080/callback',
    'ftp://client.example:8080/callback',
    'file:///etc/passwd',
    'urn:client.example:8080',
    'http://CLIENT.example.:8080/callback',
  ])('%s', async (replyTo) => {
    const { answer, dialled, heard } = await asked({ replyTo });
    expect(answer && faultOf(answer)?.code).toBe('sender');
    expect(answer && faultOf(answer)?.subsubcode?.local).toBe('InvalidAddress');
    expect(dialled).toEqual([]);
    expect(heard).toEqual([]);
  });
});

describe('an address beside a listed ReplyTo is not dialled', () => {
  test.each([
    ['FaultTo', { faultTo: 'http://evil.example/' }],
    ['AcksTo', { acksTo: 'http://evil.example/' }],
    ['Offer/Endpoint', { endpoint: 'http://evil.example/' }],
    ['AcksTo on the same host', { acksTo: 'http://client.example:8080/other' }],
  ])('%s', async (_, addresses) => {
    const { dialled, heard } = await asked(addresses);
    expect(dialled).toEqual([good]);
    expect(heard, 'no session: the refusal is all that is said').not.toContain('CreateSequenceResponse');
  });
});

test('without a list nothing is dialled at all', async () => {
  const { net, spied, dialled } = spying();
  const service = compositeDuplex(spied);
  await listen(binding([exchange({ addressing: addressing200508 })], service), to, async () => undefined);
  const bare = message({ version: soap12 });
  const said = withAddressing(bare, {
    version: addressing200508,
    action: 'urn:say',
    messageId: 'urn:1',
    replyTo: referenceTo(good),
  });
  const answer = await net
    .connect(to)(async () => undefined)
    .send(delivery(said));
  expect(answer && faultOf(answer.message)?.subsubcode?.local).toBe('InvalidAddress');
  expect(dialled).toEqual([]);
});
