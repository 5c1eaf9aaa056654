/** Conversations in both directions, recorded at both ends: requests with replies, and a connection on which both ends speak. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sourcesAt } from '../../src/audit/import/source.ts';
import { Recorder } from '../../src/audit/transcript/recorder.ts';
import { recorded } from '../../src/audit/transcript/tap.ts';
import { verify } from '../../src/audit/verify/verify.ts';
import { seededRandom } from '../../src/base/random.ts';
import { binding, connect, listen } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { delivery } from '../../src/channel/delivery.ts';
import { loopback } from '../../src/channel/loopback.ts';
import { Network } from '../../src/channel/network.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { security } from '../../src/security/element.ts';
import { x509Signed } from '../../src/security/policy.ts';
import { mutualCertificate } from '../../src/security/presets/for-certificate.ts';
import { trustChain } from '../../src/security/trust.ts';
import { addressing200508 } from '../../src/soap/addressing.ts';
import { message } from '../../src/soap/envelope.ts';
import { soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { pki } from '../security/rig.ts';
import { folder } from './support.ts';

const versions = [reliable200702, reliable200502];
const policies = ['signed', 'signed and encrypted'] as const;
const ways = [
  ['request-reply', false],
  ['duplex', true],
] as const;
const cases = ways.flatMap(([way, duplex]) =>
  versions.flatMap((version) =>
    // What answers under the secret of a request needs the exchange of the request, which a duplex connection has not.
    policies.slice(0, duplex ? 1 : 2).map((policy) => ({ way, duplex, version, policy, name: version.name })),
  ),
);

describe.each(cases)('$way, WS-RM $name, $policy', ({ duplex, version, policy }) => {
  test('what both ends recorded is sound', async () => {
    const all = await pki();
    const trust = trustChain({ anchors: all.root.certificate });
    const [own, peer] = [all.client.key(), all.service.key()];
    const ends =
      policy === 'signed'
        ? [x509Signed({ key: own, trust }), x509Signed({ key: peer, trust })]
        : [
            mutualCertificate({ key: own, peer: peer.certificate }),
            mutualCertificate({ key: peer, peer: own.certificate }),
          ];
    const file = join(folder(), 'both.jsonl');
    const recorder = await Recorder.open({ file });
    const network = new Network({ random: seededRandom(3), patience: 40, loseRequest: 0.08, loseReply: 0.08 });
    const wire = recorded(loopback({ network, duplex }), recorder);
    const at = new URL('loopback://service.example/orders');
    const session = () =>
      reliableSession({
        version,
        retryFloor: 40,
        firstPatience: 120,
        retryCeiling: 200,
        maxRetryCount: 500,
        acknowledgementInterval: 10,
      });
    const layers = (side: 0 | 1) => [
      exchange({ addressing: addressing200508 }),
      session(),
      security(ends[side] as never),
    ];
    const listener = await listen(binding(layers(1), wire), at, async (arrived) =>
      arrived.carrying(
        message({
          version: soap12,
          action: 'urn:orders/answer',
          body: XmlFragment.parse('<o:Yes xmlns:o="urn:orders"/>'),
        }),
      ),
    );
    const channel = connect(binding(layers(0), wire), at);
    await channel.open();
    const ask = (number: number) => {
      const body = XmlFragment.parse(`<o:Order xmlns:o="urn:orders">${number}</o:Order>`);
      return channel.send(delivery(message({ version: soap12, action: 'urn:orders/place', body })));
    };
    const answers = await Promise.all(Array.from({ length: 8 }, (_, number) => ask(number)));
    expect(answers.every((one) => one !== undefined)).toBe(true);
    await channel.close();
    await listener.close();
    await recorder.close();
    const keys = [own, peer].flatMap(({ certificate, decrypter }) =>
      decrypter === undefined ? [] : [{ certificate, decrypter }],
    );
    const found = await verify(await sourcesAt(file), { trust, keys, secondEngine: false });
    const told = found.findings
      .filter(({ weight }) => weight !== 'note')
      .map(({ code, what, where }) => `${code} ${what} ${where.replace(/.*#/, '#')}`);
    expect(told).toEqual([]);
    expect(found.verdict).toBe('sound');
    expect(found.sequences.length).toBeGreaterThanOrEqual(4);
  });
});
