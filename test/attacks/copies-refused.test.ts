/**
 * What somebody on the way gains by repeating requests and answering in the place of the service: no session and no context ends for it,
 * nothing is done twice, and a call without a session says that its outcome is unknown (attacks R1, M5, P5).
 */
import { describe, expect, test } from 'vitest';
import { Network } from '../../src/channel/network.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import { security } from '../../src/security/element.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import type { Fault } from '../../src/soap/errors.ts';
import { tokenClient } from '../../src/trust/client.ts';
import { tokenService } from '../../src/trust/service.ts';
import { named, passwords } from '../conversation/additions.ts';
import { bootstraps } from '../conversation/rig.ts';
import { pki, policyOf } from '../security/rig.ts';
import { audience, End, serviceOptions } from '../trust/rig.ts';
import { course, type Protection } from './copies-world.ts';

const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const told = (local: string): Fault => ({ code: 'sender', subcode: { namespace: wsse, local }, reason: 'No.' });

const signed: Protection = {
  name: 'X.509 signatures',
  secure: false,
  make: async (side, common) => {
    const { client, service, root } = await pki();
    return security(policyOf(side === 'client' ? client : service, root), common);
  },
};
const digest: Protection = {
  name: 'the digest of a password',
  secure: true,
  make: async (side, common) =>
    security(side === 'client' ? named('carol', 'digest') : usernameOverTransport({ passwords }), common),
};
const contexts: readonly Protection[] = bootstraps.map(({ name, secure, client, service }) => ({
  name: `a context, by ${name}`,
  secure,
  make: async (side, common) =>
    secureConversation({ ...common, bootstrap: await (side === 'client' ? client() : service()) }),
}));
const atMessageLevel = contexts.filter(({ secure }) => !secure);

describe('a call without a session', () => {
  test.each([signed, digest, ...atMessageLevel].map((one) => [one.name, one] as const))(
    '%s: executed once, and what is heard of it is that nobody knows',
    async (_, protection) => {
      const hit = await course({ protection, shape: undefined }, { action: 'urn:ask', mishap: 'overtake' });
      expect(hit.served).toEqual(['one']);
      expect(hit.trouble).toMatchObject({ code: 'SECURITY_UNSECURED_FAULT', transient: true, refusal: true });
      expect(String(hit.trouble)).toMatch(/Whether the message was taken is unknown/);
    },
  );

  test('under a context over TLS nothing tells a copy that is made inside TLS: it is executed too', async () => {
    const [protection] = contexts;
    if (protection === undefined) throw new Error('There is no context.');
    const hit = await course({ protection, shape: undefined }, { action: 'urn:ask', mishap: 'overtake' });
    expect(hit.served).toEqual(['one', 'one', 'two', 'three', 'four', 'five']);
    const kept = await course({ protection, shape: undefined, session: {} }, { action: 'urn:ask', mishap: 'overtake' });
    expect(kept.served).toEqual(['one', 'two', 'three', 'four', 'five']);
  });
});

describe('attack: the answer is swallowed, and a fault that nobody has secured is heard in its place', () => {
  const renewal = 'http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/SCT/Renew';
  const all = ['one', 'two', 'three', 'four', 'five'];

  // A password is not offered again for a while, and the key that the client has is good until then.
  test.each(
    contexts.flatMap((protection) =>
      ['FailedAuthentication', 'InvalidSecurity'].map((local) => [protection.name, local, protection] as const),
    ),
  )('M5 of a renewal: %s, %s', async (_, local, protection) => {
    const times = local === 'FailedAuthentication' ? 1 : 2;
    const struck = { action: renewal, mishap: 'forge', fault: told(local), times } as const;
    for (const session of [{}, undefined]) {
      const hit = await course({ protection, shape: undefined, session }, struck);
      expect(hit.trouble).toBeUndefined();
      expect(hit.served).toEqual(all);
      expect([hit.contexts, hit.leftContexts, hit.leftSequences]).toEqual([1, 0, 0]);
    }
  });

  test.each([
    ['FailedAuthentication', signed.name, signed],
    ['InvalidSecurity', signed.name, signed],
    // Over TLS it would be the service itself that takes the password no more.
    ['InvalidSecurity', digest.name, digest],
  ] as const)('M5 of messages, five times: %s, %s', async (local, _, protection) => {
    const struck = { action: 'urn:ask', mishap: 'forge', fault: told(local), times: 5 } as const;
    const hit = await course({ protection, shape: undefined, session: {} }, struck);
    expect(hit.trouble).toBeUndefined();
    expect(hit.served).toEqual(all);
    expect([hit.sequences, hit.leftSequences]).toEqual([1, 0]);
  });

  test('of the request for a context: the password is offered once', async () => {
    const [protection] = contexts;
    if (protection === undefined) throw new Error('There is no context.');
    const action = 'http://docs.oasis-open.org/ws-sx/ws-trust/200512/RST/SCT';
    const fault = told('FailedAuthentication');
    const hit = await course({ protection, shape: undefined, session: {} }, { action, mishap: 'forge', fault });
    expect(hit.trouble).toMatchObject({ code: 'SECURITY_UNSECURED_FAULT' });
    expect(hit.sent.get(action)).toBe(1);
  });
});

describe('a token service is asked twice', () => {
  test.each(['overtake', 'duplicate'] as const)(
    'whichever of the two is heard (%s), the token is there, renewed, and cancelled',
    async (fate) => {
      const network = new Network();
      let asked = 0;
      network.script(({ way }) => {
        if (way === 'reply') return undefined;
        asked += 1;
        // What is made anew for it passes.
        return asked % 2 === 1 ? fate : 'pass';
      });
      const receive = tokenService(await serviceOptions());
      const end = new End(usernameOverTransport({ passwords }), receive, true, undefined, network);
      const client = tokenClient({ channel: await end.channel(named('dave', 'digest')), clock: end.clock });
      const step = async <T>(work: Promise<T>): Promise<T> => {
        const result = await work;
        asked = 0;
        return result;
      };
      const token = await step(client.issue({ appliesTo: audience }));
      const renewed = await step(client.renew(token));
      expect(await step(client.validate(renewed))).toBe(true);
      await step(client.cancel(renewed));
      expect(await step(client.validate(renewed))).toBe(false);
      expect(await step(client.validate(token))).toBe(true);
    },
  );

  test.each([
    ['digest', 'broken', 2],
    ['text', 'wrong', 1],
  ] as const)(
    'attack: %s, %s: a refusal that nobody has proved is believed the second time, that of a password at once',
    async (form, what, times) => {
      const network = new Network();
      const actions: string[] = [];
      network.script(({ way, message }) => {
        if (way === 'request') actions.push(message?.action ?? '');
        return undefined;
      });
      const service = usernameOverTransport({ passwords });
      // Nothing that comes is new there.
      const receive = tokenService(await serviceOptions());
      const end = new End(
        service,
        receive,
        true,
        undefined,
        network,
        what === 'broken' ? { remember: () => false } : undefined,
      );
      const channel = await end.channel(named('dave', form, what === 'wrong' ? 'guessed' : undefined));
      const asked = tokenClient({ channel, clock: end.clock }).issue({ appliesTo: audience });
      await expect(asked).rejects.toMatchObject({ code: 'SECURITY_UNSECURED_FAULT', repeated: times === 2 });
      expect(actions).toHaveLength(times);
    },
  );
});
