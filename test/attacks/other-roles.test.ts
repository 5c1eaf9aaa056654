/**
 * X13, M4: header blocks for other nodes. An intermediary may add them unsigned, of any namespace; none of them reaches the
 * application or the layers above, whatever it claims, and a mandatory one for this node is told as SOAP says.
 */
import { describe, expect, test } from 'vitest';
import { identityOf } from '../../src/security/evidence.ts';
import { prepare, receive, service, swap } from './support.ts';

const soap = 'http://www.w3.org/2003/05/soap-envelope';
const blocks: readonly (readonly [name: string, block: string])[] = [
  ['an Action', '<a:Action xmlns:a="http://www.w3.org/2005/08/addressing" s:role="urn:other">urn:evil</a:Action>'],
  ...['http://schemas.xmlsoap.org/ws/2005/02/rm', 'http://docs.oasis-open.org/ws-rx/wsrm/200702'].flatMap((namespace) =>
    ['Sequence', 'SequenceAcknowledgement'].map((local): readonly [string, string] => [
      `a ${local} of ${namespace}`,
      `<r:${local} xmlns:r="${namespace}" s:role="${soap}/role/none"><r:Identifier>urn:evil</r:Identifier></r:${local}>`,
    ]),
  ),
  ['something mandatory', '<x:X xmlns:x="urn:x" s:role="urn:other" s:mustUnderstand="1">urn:evil</x:X>'],
];

describe('for another role, unsigned', () => {
  test.each(blocks)('%s is not handed upward', async (_, block) => {
    const stage = await prepare();
    const end = service(stage);
    await end.receive(swap(stage.valid, '<wsse:Security ', `${block}<wsse:Security `));
    const [arrived] = end.heard;
    expect(arrived?.message.action).toBe('urn:orders/place');
    expect(arrived?.message.headers).toHaveLength(7);
    const everything = arrived?.message.headers.map(({ fragment }) => fragment.toString()).join('');
    expect(everything).not.toContain('evil');
    expect(arrived && identityOf(arrived)).toBe(`x509:${stage.pki.client.certificate.keyFingerprint}`);
  });
});

test('a mandatory header for this node that is not signed: the fault of SOAP, and nothing of it is heard', async () => {
  const stage = await prepare();
  const end = service(stage);
  const block = '<x:Y xmlns:x="urn:x" s:mustUnderstand="true">urn:evil</x:Y>';
  const { answer, codes } = await receive(end, swap(stage.valid, '<wsse:Security ', `${block}<wsse:Security `));
  expect(codes).toEqual(['SECURITY_NOT_UNDERSTOOD']);
  expect(answer).toContain('s:MustUnderstand');
  expect(answer).not.toContain('evil');
  expect(end.heard).toHaveLength(0);
});
