/**
 * What opens and ends a sequence is signed and not encrypted, as WCF's message security and Metro have it; an application
 * that borrows the action of such a message still has its Body encrypted.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { evidence } from '../../src/security/evidence.ts';
import { reliableNamespaces } from '../../src/security/names.ts';
import { mutualCertificate } from '../../src/security/presets/for-certificate.ts';
import { mutualCertificateWss10 } from '../../src/security/presets/mutual-certificate-wss10.ts';
import { addressing200508, withAddressing } from '../../src/soap/addressing.ts';
import { message } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { soap12 } from '../../src/soap/version.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { type Issued, issue } from './pki.ts';
import { type Pki, pki } from './rig.ts';
import { talk } from './talk.ts';

let all: Pki;
let bob: Issued;
beforeAll(async () => {
  all = await pki();
  bob = await issue({ name: 'bob', kind: 'rsa' }, all.root);
});

const said = (action: string, body: string): Message =>
  withAddressing(message({ version: soap12, ...(body !== '' && { body: XmlFragment.parse(body) }) }), {
    version: addressing200508,
    action,
    to: 'https://service.example/soap',
    messageId: 'urn:uuid:0001',
    replyTo: { address: addressing200508.anonymous, parameters: [] },
  });
const opening = (namespace: string): Message =>
  said(
    `${namespace}/CreateSequence`,
    `<r:CreateSequence xmlns:r="${namespace}"><r:AcksTo>here</r:AcksTo></r:CreateSequence>`,
  );

const presets = [
  ['mutualCertificateWss10', mutualCertificateWss10],
  ['mutualCertificate', mutualCertificate],
] as const;

describe.each(presets)('%s', (_, preset) => {
  const between = (encryptProtocol?: boolean) => {
    const more = encryptProtocol === undefined ? {} : { encryptProtocol };
    return talk(
      preset({ key: all.client.key(), peer: bob.certificate, ...more }),
      preset({ key: bob.key(), peer: all.client.certificate }),
    );
  };
  const body = `{${soap12.namespace}}Body`;

  test.each(reliableNamespaces)('CreateSequence of %s is signed and can be read by anybody', async (namespace) => {
    const ends = between();
    await ends.ask(opening(namespace));
    expect(ends.wire[0]).toContain('<r:AcksTo>here');
    const found = ends.heard[0]?.get(evidence);
    expect([...(found?.signed ?? [])]).toContain(body);
    expect([...(found?.encrypted ?? [])]).not.toContain(body);
  });

  test('encryptProtocol hides it', async () => {
    const ends = between(true);
    await ends.ask(opening(reliableNamespaces[0] ?? ''));
    expect(ends.wire[0]).not.toContain('here');
    expect([...(ends.heard[0]?.get(evidence)?.encrypted ?? [])]).toContain(body);
  });

  test('encryptProtocol hides that an acknowledgement says nothing more, too', async () => {
    const empty = said(`${reliableNamespaces[1]}/SequenceAcknowledgement`, '');
    const [hidden, shown] = [between(true), between()];
    await hidden.ask(empty);
    await shown.ask(empty);
    expect(hidden.wire[0]).toMatch(/Body[^>]*><xenc:EncryptedData/);
    expect([...(hidden.heard[0]?.get(evidence)?.encrypted ?? [])]).toContain(body);
    expect(hidden.heard[0]?.message.body.element.children).toEqual([]);
    expect([...(shown.heard[0]?.get(evidence)?.encrypted ?? [])]).not.toContain(body);
  });

  test.each([
    ['under its action', '<a xmlns="urn:mine">the secret</a>'],
    [
      'before what looks like it',
      '<a xmlns="urn:mine">the secret<b xmlns="http://docs.oasis-open.org/ws-rx/wsrm/200702"/></a>',
    ],
    ['as a fault', `<s:Fault xmlns:s="${soap12.namespace}"><s:Reason>the secret</s:Reason></s:Fault>`],
  ])('a Body of another, %s, is encrypted', async (_name, content) => {
    const ends = between();
    await ends.ask(said(`${reliableNamespaces[1]}/CreateSequence`, content));
    expect(ends.wire[0]).not.toContain('the secret');
    expect([...(ends.heard[0]?.get(evidence)?.encrypted ?? [])]).toContain(body);
  });
});
