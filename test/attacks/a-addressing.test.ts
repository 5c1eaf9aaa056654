/**
 * A1 to A10 of docs/ATTACKS.md on messages of gSOAP, CXF, Metro and WSS4J: what steers a message beside its body, and the shape of the
 * envelope around both.
 */
import { describe, expect, test } from 'vitest';
import { layered } from '../../src/channel/binding.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Carry, delivery } from '../../src/channel/delivery.ts';
import { readHeaders } from '../../src/reliable/headers.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { decode } from '../../src/soap/codec.ts';
import { soap11, soap12 } from '../../src/soap/version.ts';
import { idle, read } from '../security/rig.ts';
import { required } from '../vectors/replayed.ts';
import { Letter, twin, wrapped } from './letter.ts';
import { complaint, peerSession } from './peer-sessions.ts';
import { answerOf, attacked, everybody, metro, metroContext, requestOf, sessions, unmoved } from './peer-stage.ts';

const plain = ['gsoap-client-plain-rm11', 'cxf-client-plain-rm11', 'metro-client-plain-rm11'];
const answering = ['gsoap-server-plain-rm11', 'cxf-server-plain-rm11', 'metro-server-plain-rm11'];

describe('addressing', () => {
  test.each(plain)('A1 %s: another action in the HTTP header is refused', (name) => {
    const octets = Buffer.from(requestOf(name, 2));
    const said = (action: string) => decode(octets, `application/soap+xml; charset=utf-8; action="${action}"`);
    expect(said('urn:surewire:interop/echo').action).toBe('urn:surewire:interop/echo');
    expect(() => said('urn:evil')).toThrow(expect.objectContaining({ code: 'SOAP_ACTION_MISMATCH' }));
  });
  attacked('A1 another Action in the message', everybody, 'SECURITY_DIGEST', (letter) =>
    letter.saying(letter.one('Action'), 'urn:evil'),
  );
  attacked('A2 the answer goes to somebody else', sessions, 'SECURITY_DIGEST', (letter) =>
    letter.saying(letter.one('Address', letter.one('ReplyTo')), 'http://evil.example/'),
  );
  attacked('A2 faults go to somebody else', [metro, metroContext], 'SECURITY_DIGEST', (letter) =>
    letter.saying(letter.one('Address', letter.one('FaultTo')), 'http://evil.example/'),
  );
  attacked('A2 a FaultTo that nobody signed', everybody, 'SECURITY_UNSIGNED', (letter) =>
    letter.first(
      letter.header,
      '<a:FaultTo xmlns:a="http://www.w3.org/2005/08/addressing"><a:Address>http://evil.example/</a:Address></a:FaultTo>',
    ),
  );
  const parameters = (what: string) => (letter: Letter) =>
    letter.behind(
      letter.one('Address', letter.one('ReplyTo')),
      `<a:ReferenceParameters xmlns:a="http://www.w3.org/2005/08/addressing">${what}</a:ReferenceParameters>`,
    );
  test.each(
    ['cxf-client-plain-rm11', 'metro-client-plain-rm11'].flatMap((name) =>
      [
        '<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"/>',
        '<r:Sequence xmlns:r="http://docs.oasis-open.org/ws-rx/wsrm/200702"/>',
        '<r:SequenceAcknowledgement xmlns:r="http://schemas.xmlsoap.org/ws/2005/02/rm"/>',
        '<a:RelatesTo xmlns:a="http://www.w3.org/2005/08/addressing">urn:evil</a:RelatesTo>',
      ].map((what) => [name, what] as const),
    ),
  )('A3 %s: a reference parameter that would be a header of a protocol: %s', async (name, what) => {
    const session = await peerSession(name);
    for (const at of [0, 1]) await session.ask(session.letter(at));
    const answer = await session.ask(parameters(what)(session.letter(2)));
    expect(complaint(answer)).toBe('InvalidAddressingHeader');
    expect(session.heard).toHaveLength(1);
    expect(complaint(await session.ask(session.letter(2)))).toBeUndefined();
  });
  attacked('A3 three hundred reference parameters as header blocks', everybody, 'SOAP_ENVELOPE', (letter) =>
    letter.first(
      letter.header,
      Array.from(
        { length: 300 },
        (_, at) =>
          `<x:p${at} xmlns:x="urn:x" xmlns:a="http://www.w3.org/2005/08/addressing" a:IsReferenceParameter="true"/>`,
      ).join(''),
    ),
  );
  test.each(answering)('A4 %s: its answer, said to be one to something else', async (name) => {
    const ask = (change: (letter: Letter) => Letter) => {
      const answer: Carry = async () => delivery(read(change(new Letter(answerOf(name, 2))).text));
      const make = layered([exchange({ addressing: addressing200508 })], () => idle('initiator', answer));
      return make(async () => undefined).send(delivery(read(requestOf(name, 2))));
    };
    expect((await ask((letter) => letter))?.message.action).toContain('echoResponse');
    for (const change of [
      (letter: Letter) => letter.saying(letter.one('RelatesTo'), 'urn:evil'),
      (letter: Letter) => letter.without(letter.one('RelatesTo')),
    ])
      await expect(ask(change)).rejects.toMatchObject({ code: 'CHANNEL_CORRELATION' });
  });
  test.each(plain.flatMap((name) => ['Action', 'To', 'MessageID'].map((local) => [name, local] as const)))(
    'A5 %s: two of %s',
    async (name, local) => {
      const session = await peerSession(name);
      for (const at of [0, 1]) await session.ask(session.letter(at));
      const letter = session.letter(2);
      const twice = letter.before(letter.one(local), twin(letter.of(letter.one(local))));
      expect(complaint(await session.ask(twice))).toBe('InvalidAddressingHeader');
      expect(session.heard).toHaveLength(1);
      expect(complaint(await session.ask(letter))).toBeUndefined();
    },
  );
  test.each(plain)('A6 %s: the next message under the MessageID of the last is the next message', async (name) => {
    const session = await peerSession(name);
    const first = session.letter(1);
    for (const at of [0, 1]) await session.ask(session.letter(at));
    const second = session.letter(2);
    const reused = second.saying(second.one('MessageID'), first.one('MessageID').text);
    const answer = required(await session.ask(reused));
    expect(readHeaders(answer)?.sequence?.number).toBe(2);
    expect(session.heard).toHaveLength(2);
    await session.ask(reused);
    expect(session.heard).toHaveLength(2);
  });
});

describe('the envelope', () => {
  test.each(everybody)(
    'A7 $name: a mandatory header that nobody signed is told as SOAP says, and not heard',
    async (target) => {
      const scene = await target.scene();
      const letter = new Letter(scene.valid);
      const block = `<x:Y xmlns:x="urn:x" xmlns:s="${soap12.namespace}" s:mustUnderstand="true">urn:evil</x:Y>`;
      const { answer, codes } = await scene.receive(letter.first(letter.header, block).text);
      expect(codes).toEqual(['SECURITY_NOT_UNDERSTOOD']);
      expect(answer).toContain('MustUnderstand');
      expect(answer).not.toContain('evil');
      expect(scene.heard).toEqual([]);
      expect((await scene.receive(scene.valid)).codes).toEqual([]);
    },
  );
  attacked('A7 a signed header is made optional', sessions, 'SECURITY_DIGEST', (letter) =>
    letter.changed(letter.one('Sequence'), /mustUnderstand="(true|1)"/, 'mustUnderstand="0"'),
  );
  test.each(everybody)('A8 $name: the envelope is said to be SOAP 1.1', async (target) => {
    const scene = await target.scene();
    const { answer = '', codes } = await scene.receive(scene.valid.replaceAll(soap12.namespace, soap11.namespace));
    expect(codes).toHaveLength(1);
    expect(answer).toContain('InvalidSecurity');
    expect(scene.heard).toEqual([]);
    expect((await scene.receive(scene.valid)).codes).toEqual([]);
  });
  attacked('A8 a header block of the other version of SOAP', everybody, 'SOAP_VERSION', (letter) =>
    letter.first(letter.header, `<x:Y xmlns:x="urn:x" xmlns:o="${soap11.namespace}" o:mustUnderstand="1"/>`),
  );
  attacked('A9 two Bodies', everybody, 'SOAP_ENVELOPE', (letter) =>
    letter.behind(letter.body, twin(letter.of(letter.body))),
  );
  attacked('A9 the Header behind the Body', everybody, 'SOAP_ENVELOPE', (letter) => {
    const header = letter.of(letter.header);
    const without = letter.without(letter.header);
    return without.behind(without.body, header);
  });
  attacked('A9 two Headers', everybody, 'SOAP_ENVELOPE', (letter) =>
    letter.before(letter.header, `<h:Header xmlns:h="${soap12.namespace}"/>`),
  );
  attacked('A9 text between Header and Body', everybody, 'SOAP_ENVELOPE', (letter) =>
    letter.behind(letter.header, 'evil'),
  );
  attacked('A9 an element behind the Body', everybody, 'SOAP_ENVELOPE', (letter) =>
    letter.behind(letter.body, wrapped('')),
  );
  attacked('A9 a processing instruction', everybody, 'SOAP_ENVELOPE', (letter) =>
    letter.behind(letter.header, '<?evil?>'),
  );
  unmoved('A10 types and references that nobody asked for', everybody, (letter) => {
    const info = letter.one('KeyInfo', letter.signature);
    const bare = letter.with(info, letter.of(info).replace(/ (\w+:)?type="[^"]*"/, ''));
    return bare.marked(
      bare.one('KeyInfo', bare.signature),
      'xmlns:t="http://www.w3.org/2001/XMLSchema-instance" t:type="evil" href="http://evil.example/" xmlns:e="http://www.w3.org/2003/05/soap-encoding" e:id="1"',
    );
  });
});
