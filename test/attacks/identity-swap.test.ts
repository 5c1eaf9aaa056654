/**
 * A sequence belongs to whoever opened it (attacks M2 to M5, M10, M19, M30): every kind of message of WS-RM, sent by another client that
 * is authenticated just as well, against the sequence of somebody else. It is answered as for a sequence that never was, or
 * not at all; the application hears nothing, and the session of the victim goes on and ends well.
 */
import { describe, expect, test } from 'vitest';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import type { BindingElement, Channel } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network } from '../../src/channel/network.ts';
import type { Peer } from '../../src/channel/transport.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import { readCreateSequence } from '../../src/reliable/bodies.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import type { SessionView } from '../../src/reliable/session.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { security } from '../../src/security/element.ts';
import { usernameOverTransport, x509Signed } from '../../src/security/policy.ts';
import { trustChain, trustPeers } from '../../src/security/trust.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { payload } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { issue } from '../security/pki.ts';
import { pki } from '../security/rig.ts';
import { attacks, note, outcomeOf, said, type Target } from './swaps.ts';

const address = new URL('http://service.example/box');

type Name = 'victim' | 'attacker';

/** How clients show who they are: what stands below the session at each end, and what TLS would say. */
interface Identity {
  readonly name: string;
  readonly client: (who: Name) => Promise<readonly BindingElement[]>;
  readonly service: () => Promise<readonly BindingElement[]>;
  readonly peer: (who: Name) => Peer;
  readonly session?: ReliableSessionOptions;
  /** Where only one version has it. */
  readonly only?: ReliableVersion;
}

const passwords = { password: (user: string) => ({ victim: 'one', attacker: 'two' })[user] };
const withPassword = (user: Name) =>
  usernameOverTransport({ username: { user, password: passwords.password(user) ?? '', form: 'text' } });
const overTls: Peer = { secure: true };

const identities: readonly Identity[] = [
  {
    name: 'security context',
    client: async (who) => [secureConversation({ bootstrap: withPassword(who) })],
    service: async () => [secureConversation({ bootstrap: usernameOverTransport({ passwords }) })],
    peer: () => overTls,
  },
  {
    name: 'another context of the same user',
    client: async () => [secureConversation({ bootstrap: withPassword('victim') })],
    service: async () => [secureConversation({ bootstrap: usernameOverTransport({ passwords }) })],
    peer: () => overTls,
  },
  {
    name: 'context of the user it speaks for',
    client: async (who) => [secureConversation({ bootstrap: withPassword(who) })],
    service: async () => [
      secureConversation({ bootstrap: usernameOverTransport({ passwords }), speaksFor: 'identity' }),
    ],
    peer: () => overTls,
  },
  {
    name: 'X.509',
    client: async (who) => {
      const { client, service, root } = await pki();
      const own = who === 'victim' ? client : await another(root);
      return [security(x509Signed({ key: own.key(), trust: trustPeers(service.certificate) }))];
    },
    service: async () => {
      const { service, root } = await pki();
      return [security(x509Signed({ key: service.key(), trust: trustChain({ anchors: root.certificate }) }))];
    },
    peer: () => ({ secure: false }),
  },
  {
    name: 'UsernameToken',
    client: async (who) => [security(withPassword(who))],
    service: async () => [security(usernameOverTransport({ passwords }))],
    peer: () => overTls,
  },
  {
    name: 'TLS client certificate',
    client: async () => [],
    service: async () => [],
    peer: (who) => ({ secure: true, certificate: new Uint8Array([who.length]), fingerprint: `${who} fingerprint` }),
  },
  {
    name: 'TLS connection (UsesSequenceSSL)',
    client: async () => [],
    service: async () => [],
    peer: (who) => ({ secure: true, exporter: `${who} exporter` }),
    session: { usesTls: true },
    only: reliable200702,
  },
  {
    name: 'TLS connection of the same user (UsesSequenceSSL)',
    client: async () => [security(withPassword('victim'))],
    service: async () => [security(usernameOverTransport({ passwords }))],
    peer: (who) => ({ secure: true, exporter: `${who} exporter` }),
    session: { usesTls: true },
    only: reliable200702,
  },
];

let other: ReturnType<typeof issue> | undefined;
function another(root: Awaited<ReturnType<typeof pki>>['root']) {
  other ??= issue({ name: 'attacker', kind: 'rsa' }, root);
  return other;
}

describe.each(reliableVersions)('WS-RM $name', (version) => {
  const ours = identities.filter(({ only = version }) => only === version);
  test.each(ours)('$name: every kind of message against the sequence of another', async (identity) => {
    const heard: string[] = [];
    let offer = '';
    const network = new Network();
    network.script(({ message: sent }) => {
      if (sent?.action === version.actions.createSequence && offer === '') {
        offer = readCreateSequence(version, sent).offer?.id ?? '';
      }
      return undefined;
    });
    const transport = loopback({ network, server: { secure: identity.peer('victim').secure } });
    const addressed = exchange({ addressing: addressing200508 });
    const service = binding([addressed, reliableSession({ version }), ...(await identity.service())], transport);
    const listener = await listen(service, address, async (trip) => {
      heard.push(payload(trip.message)?.text ?? '');
      return trip.carrying(said('urn:box:answer', [], trip.message.body.element.children[0] && note));
    });
    let view: SessionView | undefined;
    const onSession = (session: SessionView) => {
      view = session;
    };
    const session = reliableSession({ version, onSession, ...identity.session });
    const mine = [addressed, session, ...(await identity.client('victim'))];
    const victim = connect(binding(mine, transport.as(identity.peer('victim'))), address);
    const say = (text: string) => {
      const body = new XmlWriter().element('urn:box', 'said', text).finish();
      return victim.send(delivery(said('urn:box:say', [], body)));
    };
    await say('one');
    const target: Target = { version, id: view?.id ?? '', offer };
    expect([target.id, target.offer]).not.toContain('');

    const theirs = [addressed, ...(await identity.client('attacker'))];
    const attacker = connect(binding(theirs, transport.as(identity.peer('attacker'))), address);
    for (const attack of attacks) {
      if (attack.versions?.(version) === false) continue;
      expect(await outcome(attacker, attack.message(target)), attack.name).toBe(attack.answer);
      // As for a sequence that never was: nothing tells that this one is there.
      const never = { ...target, id: 'urn:never', offer: 'urn:never' };
      if (attack.answer === 'UnknownSequence') {
        expect(await outcome(attacker, attack.message(never)), attack.name).toBe(attack.answer);
      }
    }
    expect(heard).toEqual(['one']);

    await say('two');
    await victim.close();
    expect(heard).toEqual(['one', 'two']);
    expect(await victim.closed).toBeUndefined();
    await attacker.close();
    await listener.close();
  });
});

async function outcome(attacker: Channel, attack: Message): Promise<string> {
  return outcomeOf((await attacker.send(delivery(attack)))?.message);
}
