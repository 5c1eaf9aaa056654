import { beforeAll, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../src/base/clock.ts';
import { hasCode } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { peer } from '../../src/channel/transport.ts';
import { security } from '../../src/security/element.ts';
import { SecurityError } from '../../src/security/errors.ts';
import { evidence, identityOf } from '../../src/security/evidence.ts';
import { addressing200508 } from '../../src/soap/addressing.ts';
import { encodeEnvelope, findHeader, message } from '../../src/soap/envelope.ts';
import { FaultError, faultReply } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { acceptor, idle, order, type Pki, pki, policyOf, read, secured, start, wsrm } from './rig.ts';

let all: Pki;
beforeAll(async () => {
  all = await pki();
});

describe.each([soap11, soap12])('security element, SOAP $name', (version) => {
  test('a signed message arrives with evidence of who signed what', async () => {
    const end = acceptor(policyOf(all.service, all.root));
    const octets = await secured(policyOf(all.client, all.root), order(version));
    await end.receive(octets);
    expect(end.heard).toHaveLength(1);
    const [arrived] = end.heard;
    const found = arrived?.get(evidence);
    expect(found?.signer?.identity).toBe(`x509:${all.client.certificate.keyFingerprint}`);
    expect(arrived && identityOf(arrived)).toBe(`x509:${all.client.certificate.keyFingerprint}`);
    expect(found?.signed).toContain(`{${wsrm}}Sequence`);
    expect(found?.signed).toContain(`{${version.namespace}}Body`);
    expect(found?.created).toBe(start);
    expect(found?.expires).toBe(start + 300_000);
    expect(arrived?.message.action).toBe('urn:orders/place');
    expect(arrived?.message.headers.map((block) => block.local)).not.toContain('Security');
  });

  test('a reply is secured and examined at the initiator', async () => {
    const { initiator } = connected(version, async (request) => request.carrying(order(version, 'the answer')));
    const reply = await initiator.send(delivery(order(version)));
    expect(reply?.get(evidence)?.signer?.name).toBe('CN=service');
    expect(reply?.message.body.toString()).toContain('the answer');
  });
});

function connected(
  version: Message['version'],
  answer: Parameters<typeof acceptor>[2],
  between: (octets: string) => string = (octets) => octets,
) {
  const end = acceptor(policyOf(all.service, all.root), {}, answer);
  const clock = new VirtualClock(start);
  const element = security(policyOf(all.client, all.root), { clock, random: seededRandom(3) });
  const initiator = element.wrap(() =>
    idle('initiator', async (trip) => {
      const octets = await end.receive(encodeEnvelope(trip.message));
      return octets === undefined ? undefined : delivery(read(between(octets))).with(peer, { secure: false });
    }),
  )(async () => undefined);
  return { initiator, end, version };
}

describe('security element', () => {
  test('M5, P5 an unsecured fault is an untrusted, transient hint', async () => {
    const { initiator } = connected(soap12, undefined, () =>
      new TextDecoder().decode(encodeEnvelope(faultReply(undefined, { code: 'receiver', reason: 'go\u0007 away' }))),
    );
    // The acceptor's answer is replaced on the way.
    const replaced = connected(
      soap12,
      async (request) => request.carrying(order()),
      () => new TextDecoder().decode(encodeEnvelope(faultReply(undefined, { code: 'receiver', reason: 'go away' }))),
    );
    expect(await initiator.send(delivery(order()))).toBeUndefined();
    const error = await replaced.initiator.send(delivery(order())).catch((thrown: unknown) => thrown);
    expect(hasCode(error, 'SECURITY_UNSECURED_FAULT')).toBe(true);
    expect(error instanceof SecurityError && error.transient).toBe(true);
    expect(String(error)).toContain('go away');
  });

  test('P4 an unsecured reply is refused', async () => {
    const { initiator } = connected(
      soap12,
      async (request) => request.carrying(order()),
      () => new TextDecoder().decode(encodeEnvelope(order())),
    );
    await expect(initiator.send(delivery(order()))).rejects.toMatchObject({
      code: 'SECURITY_MISSING',
      transient: true,
    });
  });

  test('a fault that a layer above throws goes down secured', async () => {
    const { initiator } = connected(soap12, async () => {
      throw new FaultError({ code: 'sender', reason: 'no such item' });
    });
    const reply = await initiator.send(delivery(order()));
    expect(reply?.get(evidence)?.signer?.name).toBe('CN=service');
    expect(reply?.message.body.toString()).toContain('no such item');
  });

  test('a header that nobody signed is removed, a mandatory one is refused', async () => {
    const policy = policyOf(all.client, all.root);
    const octets = new TextDecoder().decode(await secured(policy));
    const end = acceptor(policyOf(all.service, all.root));
    await end.receive(octets.replace('<s:Header>', '<s:Header><x:Tip xmlns:x="urn:x">unsigned</x:Tip>'));
    expect(end.heard).toHaveLength(1);
    expect(end.heard[0] && findHeader(end.heard[0].message, 'urn:x', 'Tip')).toBeUndefined();
    const mandatory = octets.replace('<s:Header>', '<s:Header><x:Tip xmlns:x="urn:x" s:mustUnderstand="1"/>');
    await end.receive(mandatory);
    expect(end.heard).toHaveLength(1);
  });
});

test('in a binding, above a transport that carries octets', async () => {
  const over = loopback();
  const client = binding([exchange({ addressing: addressing200508 }), security(policyOf(all.client, all.root))], over);
  const service = binding(
    [exchange({ addressing: addressing200508 }), security(policyOf(all.service, all.root))],
    over,
  );
  const at = new URL('loop://service.example/soap');
  const listener = await listen(service, at, async (request) =>
    request.carrying(message({ version: soap12, action: 'urn:answer', body: XmlFragment.parse('<Answer/>') })),
  );
  const channel = connect(client, listener.url);
  const question = message({ version: soap12, action: 'urn:ask', body: XmlFragment.parse('<Question/>') });
  const reply = await channel.send(delivery(question));
  expect(reply?.message.action).toBe('urn:answer');
  expect(reply?.get(evidence)?.signer?.name).toBe('CN=service');
  expect([...(reply?.get(evidence)?.signed ?? [])]).toContain('{http://www.w3.org/2005/08/addressing}RelatesTo');
  await channel.close();
  await listener.close();
});
