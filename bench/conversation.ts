/**
 * Secure conversations beside X.509 on every message: request-reply, signed and encrypted both ways, both ends in one process and
 * every message through octets. Under the context derived keys sign and encrypt (HMAC-SHA256, AES-256-GCM); without one each
 * message has an RSA signature and an RSA key transport of its own (WSS 1.0: four operations with a private key in a call), or
 * the request has and the reply is under the same secret (WSS 1.1: two). Rates count what the one thread that does all of it has of
 * the processor, so that other work on the machine falsifies them less. And how many round trips it takes to open.
 */
import { binding, connect, listen } from '../src/channel/binding.ts';
import type { BindingElement, Channel } from '../src/channel/channel.ts';
import { exchange } from '../src/channel/correlation.ts';
import { delivery } from '../src/channel/delivery.ts';
import { loopback } from '../src/channel/loopback.ts';
import { secureConversation } from '../src/conversation/element.ts';
import { security } from '../src/security/element.ts';
import { mutualCertificate } from '../src/security/presets/for-certificate.ts';
import { mutualCertificateWss10 } from '../src/security/presets/mutual-certificate-wss10.ts';
import { addressing200508 } from '../src/soap/addressing-versions.ts';
import { message } from '../src/soap/envelope.ts';
import type { Message } from '../src/soap/message.ts';
import { soap12 } from '../src/soap/version.ts';
import { XmlWriter } from '../src/xml/write.ts';
import { roundTripsToOpen } from '../test/conversation/opening.ts';
import { issue } from '../test/security/pki.ts';
import { awaited, compare, line, processor, type Row } from './harness.ts';

const SIZES = [
  [1_000, '1 KB'],
  [10_000, '10 KB'],
] as const;

export async function rows(report: (line: string) => void): Promise<readonly Row[]> {
  const found: Row[] = [];
  const add = (row: Row): void => {
    report(line(row));
    found.push(row);
  };
  const ends = new Map<string, readonly [BindingElement, BindingElement]>();
  const root = await issue({ name: 'bench root', ca: true });
  for (const bits of [2048, 3072]) {
    const client = await issue({ name: 'client', kind: 'rsa', bits }, root);
    const service = await issue({ name: 'service', kind: 'rsa', bits }, root);
    const mine = { key: client.key(), peer: service.certificate };
    const theirs = { key: service.key(), peer: client.certificate };
    if (bits === 2048) {
      ends.set('context', [
        secureConversation({ bootstrap: mutualCertificate(mine) }),
        secureConversation({ bootstrap: mutualCertificate(theirs) }),
      ]);
    }
    ends.set(`X.509 (WSS 1.0), RSA-${bits}`, [
      security(mutualCertificateWss10(mine)),
      security(mutualCertificateWss10(theirs)),
    ]);
    ends.set(`X.509 (WSS 1.1), RSA-${bits}`, [security(mutualCertificate(mine)), security(mutualCertificate(theirs))]);
  }
  for (const [size, name] of SIZES) {
    const text = 'x'.repeat(size);
    const contenders = await Promise.all(
      [...ends].map(async ([end, [near, far]]) => {
        const channel = await between(near, far, text);
        return [end, channel, awaited(() => channel.send(delivery(saying(text))), processor)] as const;
      }),
    );
    const [context, ...others] = contenders;
    if (context === undefined) throw new Error('There is nothing to measure.');
    add(
      await compare({
        work: 'signed and encrypted call, derived keys',
        size: name,
        surewire: context[2],
        peers: Object.fromEntries(others.map(([end, , run]) => [end, run])),
        turn: 300,
        warmUp: 3_000,
      }),
    );
    for (const [, channel] of contenders) await channel.close();
  }
  const trips = await roundTripsToOpen();
  add({
    work: 'opening: TCP, TLS, RST/SCT, CreateSequence',
    size: '',
    surewire: trips,
    unit: ' round trips',
    peers: {},
    ratios: {},
  });
  return found;
}

async function between(near: BindingElement, far: BindingElement, text: string): Promise<Channel> {
  const wire = loopback();
  const to = new URL('http://bench.example/');
  const addressed = exchange({ addressing: addressing200508 });
  await listen(binding([addressed, far], wire), to, async (trip) => trip.carrying(saying(text)));
  return connect(binding([addressed, near], wire), to);
}

/** Another message each time: what was signed before would be remembered. */
function saying(text: string): Message {
  const body = new XmlWriter().element('urn:bench', 'said', text).finish();
  return message({ version: soap12, action: 'urn:bench:say', body });
}
