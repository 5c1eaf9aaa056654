/**
 * A CreateSequence names the token that its sequence belongs to (WS-RM 1.1, section 5.2.1): in whichever form, it has to be the token that
 * signed it. A request that names the token of somebody else, none that is there, or one that tells nobody apart makes no sequence
 * (attack M29).
 */
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import type { BindingElement } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network } from '../../src/channel/network.ts';
import { secureConversation } from '../../src/conversation/element.ts';
import { usesToken } from '../../src/reliable/binding.ts';
import { createSequence } from '../../src/reliable/bodies.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import { reliableVersions } from '../../src/reliable/versions/table.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { security } from '../../src/security/element.ts';
import { usernameOverTransport } from '../../src/security/policy.ts';
import { writeTokenReference } from '../../src/security/tokens/x509.ts';
import { anonymousReference } from '../../src/soap/addressing.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { encodeEnvelope, message } from '../../src/soap/envelope.ts';
import { soap12 } from '../../src/soap/version.ts';
import type { XmlElement } from '../../src/xml/document.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { pki, policyOf } from '../security/rig.ts';

const address = new URL('http://service.example/box');
const secure = { secure: true } as const;

function asking(version: ReliableVersion, token: XmlFragment) {
  const here = anonymousReference(addressing200508);
  const body = createSequence(version, addressing200508, { acksTo: here, offer: undefined }, token);
  const headers = usesToken(version, soap12);
  return delivery(message({ version: soap12, action: version.actions.createSequence, headers, body }));
}

async function outcome(version: ReliableVersion, service: BindingElement, client: () => BindingElement) {
  const network = new Network();
  const wire: string[] = [];
  const elements = new Map<string, XmlElement>();
  network.script(({ message: sent }) => {
    if (sent === undefined) return undefined;
    wire.push(new TextDecoder().decode(encodeEnvelope(sent)));
    for (const found of all(sent.body.element)) elements.set(found.local, found);
    return undefined;
  });
  const transport = loopback({ network, peer: secure, server: secure });
  const addressed = exchange({ addressing: addressing200508 });
  const listener = await listen(
    binding([addressed, reliableSession({ version }), service], transport),
    address,
    async () => undefined,
  );
  const connected = () => connect(binding([addressed, client()], transport), address);
  const ask = async (token: XmlFragment, channel = connected()): Promise<string> => {
    const answer = await channel.send(asking(version, token));
    if (answer === undefined) return 'nothing';
    return readReliableFault(answer.message)?.fault.name ?? 'created';
  };
  return { ask, connected, wire, elements, close: () => listener.close() };
}

function all(of: XmlElement): readonly XmlElement[] {
  return [of, ...of.children.flatMap(all)];
}

describe.each(reliableVersions)('WS-RM $name', (version) => {
  test('a certificate, by what it is and by where it stands in the message', async () => {
    const { root, client, service } = await pki();
    // The same chance for each message, so that the identifier of its token is known beforehand.
    const signing = () => security(policyOf(client, root), { random: seededRandom(7) });
    const { ask, wire, close } = await outcome(version, security(policyOf(service, root)), signing);
    for (const form of ['thumbprint', 'key-identifier', 'issuer-serial'] as const) {
      expect(await ask(writeTokenReference(form, client.certificate, '')), form).toBe('created');
      expect(await ask(writeTokenReference(form, service.certificate, '')), form).toBe('CreateSequenceRefused');
    }
    const [, id = ''] = /BinarySecurityToken [^>]*wsu:Id="([^"]+)"/.exec(wire[0] ?? '') ?? [];
    expect(await ask(writeTokenReference('direct', client.certificate, id))).toBe('created');
    expect(await ask(writeTokenReference('direct', client.certificate, 'another'))).toBe('CreateSequenceRefused');
    await close();
  });

  test('a security context, by where it stands in the message', async () => {
    const passwords = { password: () => 'secret' };
    const username = { user: 'alice', password: 'secret', form: 'text' } as const;
    const asked = secureConversation({ bootstrap: usernameOverTransport({ username }) });
    const bootstrap = usernameOverTransport({ passwords });
    const { ask, connected, elements, close } = await outcome(version, secureConversation({ bootstrap }), () => asked);
    const mine = connected();
    const nobody = writeTokenReference('thumbprint', (await pki()).client.certificate, '');
    expect(await ask(nobody, mine)).toBe('CreateSequenceRefused');
    const attached = elements.get('RequestedAttachedReference')?.children[0];
    if (attached === undefined) throw new Error('The issuer gave no reference.');
    expect(await ask(XmlFragment.of(attached), mine)).toBe('created');
    // Another context of the same user: the token of the first does not stand in its messages.
    expect(await ask(XmlFragment.of(attached))).toBe('CreateSequenceRefused');
    await close();
  });
});
