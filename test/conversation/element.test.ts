/** A conversation through both ends: asked for, used, cancelled, in both versions and under every bootstrap policy. */
import { describe, expect, test } from 'vitest';
import { binding, connect } from '../../src/channel/binding.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import { conversationFault, sessionFaultAction } from '../../src/conversation/faults.ts';
import { conversationVersions } from '../../src/conversation/versions/table.ts';
import { conversation200512 } from '../../src/conversation/versions/v200512.ts';
import { evidence, identityOf } from '../../src/security/evidence.ts';
import { message } from '../../src/soap/envelope.ts';
import { faultOf, faultReply } from '../../src/soap/fault.ts';
import { soap12 } from '../../src/soap/version.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { Line } from './line.ts';
import { ask, bootstraps, Talk } from './rig.ts';

describe.each(conversationVersions)('secure conversation $name', (version) => {
  test.each(bootstraps)('$name: opened by the first message, used, cancelled', async (bootstrap) => {
    const talk = new Talk(bootstrap, { version });
    const listener = await talk.listen();
    const channel = await talk.connect();
    expect(await ask(channel, 'one')).toBe('re: one');
    expect(await ask(channel, 'two')).toBe('re: two');
    await channel.close();
    await listener.close();
    const { issue, issueResponse, cancel, cancelResponse } = version.actions;
    const call = ['urn:box:say', 'urn:box:say'];
    expect(talk.actions).toEqual([issue, issueResponse, ...call, ...call, cancel, cancelResponse]);
    const [first, second] = talk.heard;
    expect(first?.get(evidence)?.context?.tokenType).toBe(version.tokenType);
    expect(first && identityOf(first)).toMatch(/^context:urn:uuid:/);
    expect(first && identityOf(first)).toBe(second && identityOf(second));
  });
});

test('keys may be implied by references to the context, and then no DerivedKeyToken stands in a message', async () => {
  const bootstrap = bootstraps.find(({ name }) => name === 'mutual certificates') ?? bootstraps[0];
  if (bootstrap === undefined) throw new Error('There is no bootstrap.');
  const line = await Line.of(bootstrap, { impliedKeys: true });
  const alice = await line.client();
  expect(await ask(alice, 'one')).toBe('re: one');
  const said = line.wire.slice(2);
  expect(said).toHaveLength(2);
  for (const octets of said) {
    expect(octets).toMatch(/SecurityTokenReference [^>]*wsc:Nonce="/);
    expect(octets).not.toContain('DerivedKeyToken');
    expect(octets).not.toContain('re: one');
  }
  // Bounded like those that are said by tokens.
  line.change = (octets, way) =>
    way === 'request' ? octets.replaceAll(/wsc:Length="\d+"/g, 'wsc:Length="65"') : octets;
  await expect(ask(alice, 'two')).rejects.toThrow(expect.objectContaining({ code: 'SECURITY_UNSECURED_FAULT' }));
  expect(line.texts).toEqual(['one']);
});

test('a session that the acceptor has aborted is over', async () => {
  const [bootstrap] = bootstraps;
  if (bootstrap === undefined) throw new Error('There is no bootstrap.');
  const talk = new Talk(bootstrap);
  const fault = conversationFault(conversation200512, 'SecuritySessionAborted');
  const listener = await talk.listen(async (trip) =>
    trip.carrying(faultReply(trip.message, fault, { action: sessionFaultAction })),
  );
  const channel = await talk.connect();
  const ended = expect.objectContaining({ code: 'CONVERSATION_ENDED' });
  await expect(ask(channel, 'one')).rejects.toThrow(ended);
  await expect(ask(channel, 'two')).rejects.toThrow(ended);
  expect(talk.heard).toHaveLength(1);
  await channel.close();
  await listener.close();
});

test('what is said unasked confirms no signatures, and the error says so', async () => {
  const [bootstrap] = bootstraps;
  if (bootstrap === undefined) throw new Error('There is no bootstrap.');
  const options = { protection: 'message', confirmSignatures: true } as const;
  const element = secureConversation({ bootstrap: await bootstrap.client(), ...options });
  const to = new URL('http://service.example/');
  expect(() => connect(binding([element], loopback({ duplex: true })), to)).toThrow(
    expect.objectContaining({ code: 'CONVERSATION_SETTING' }),
  );
});

test('a context that is kept is neither cancelled nor renewed: another is asked for in time', async () => {
  const [bootstrap] = bootstraps;
  if (bootstrap === undefined) throw new Error('There is no bootstrap.');
  const talk = new Talk(bootstrap, { keepsContext: true, contextLifetime: 100_000 });
  const listener = await talk.listen();
  const channel = await talk.connect();
  expect(await ask(channel, 'one')).toBe('re: one');
  await talk.clock.advance(70_000);
  expect(await ask(channel, 'two')).toBe('re: two');
  await talk.clock.advance(1_000);
  expect(await ask(channel, 'three')).toBe('re: three');
  await channel.close();
  const asked = talk.actions.filter((action) => action.includes('/RST/'));
  expect(asked.map((action) => action.split('/RST/')[1])).toEqual(['SCT', 'SCT']);
  const contexts = talk.heard.map((trip) => trip.get(evidence)?.context?.identifier);
  expect(contexts[1]).toBe(contexts[0]);
  expect(contexts[2]).not.toBe(contexts[0]);
  await expect(ask(channel, 'four')).rejects.toThrow(/closed/);
  await listener.close();
});

test.each(conversationVersions)(
  '$name: a request to amend a context is refused, and does not get to the application',
  async (version) => {
    for (const bootstrap of [bootstraps[0], bootstraps[2]]) {
      if (bootstrap === undefined) throw new Error('There is no bootstrap.');
      const talk = new Talk(bootstrap, { version });
      const listener = await talk.listen();
      const channel = await talk.connect();
      const body = new XmlWriter().start(version.trust, 'RequestSecurityToken', 'wst');
      body.element(version.trust, 'TokenType', version.tokenType, 'wst').end();
      const action = `${version.trust}/RST/SCT/Amend`;
      const reply = await channel.send(delivery(message({ version: soap12, action, body: body.finish() })));
      const fault = reply && faultOf(reply.message);
      expect(fault?.subcode).toEqual({ namespace: version.trust, local: 'RequestFailed' });
      expect(talk.heard).toEqual([]);
      expect(await ask(channel, 'one')).toBe('re: one');
      await channel.close();
      await listener.close();
    }
  },
);
