/** What is played for one combination of versions: every kind of message that the product writes, and every fault. */
import { readCreateSequenceResponse } from '../../../src/reliable/bodies.ts';
import { DuplexWording } from '../../../src/reliable/duplex/wording.ts';
import { ackRequestedHeader, sequenceHeader } from '../../../src/reliable/headers.ts';
import { assuranceOf, settingsOf } from '../../../src/reliable/settings.ts';
import { withHeaders } from '../../../src/soap/envelope.ts';
import { XmlFragment } from '../../../src/xml/fragment.ts';
import { type Combination, Scene } from './scene.ts';

const idle = 600_000;

export async function transcript(of: Combination): Promise<ReadonlyMap<string, string>> {
  const scene = new Scene(of);
  await replies(scene);
  await oneWay(scene);
  await polls(scene);
  await acknowledgements(scene);
  await delayed(scene);
  nacks(scene);
  await refusals(scene);
  await faultsOfSequences(scene);
  await faultsOfTheInitiator(scene);
  return scene.kept;
}

/** What is missing, and nothing else: ranges and Nacks exclude one another in the schemas. */
function nacks(scene: Scene): void {
  const { version, soap, wsa } = scene.of;
  const settings = settingsOf({});
  const template = { soap, wsa, to: 'http://service.example/box' };
  const wording = new DuplexWording({ settings, version, template, assurance: assuranceOf(settings) });
  scene.keep('Nack', wording.missing('urn:uuid:gappy', [2, 5]).message);
}

/** Request and reply, to the end in good order. */
async function replies(scene: Scene): Promise<void> {
  const closes = scene.of.version.shutdown === 'close';
  const channel = scene.initiator(scene.acceptor(), [
    ['CreateSequence with Offer', 'CreateSequenceResponse with Accept'],
    ['request, first', 'reply'],
    ['request with acknowledgement', ''],
    ['one-way message with acknowledgement', 'acknowledgement in a session'],
    closes ? ['CloseSequence with Final', 'CloseSequenceResponse'] : ['LastMessage', 'LastMessage, answer'],
    ['TerminateSequence', closes ? 'TerminateSequenceResponse' : 'TerminateSequence, answer'],
  ]);
  await scene.until(channel.open());
  await scene.say(channel, 'one');
  await scene.say(channel, 'two');
  await scene.say(channel, 'three', false);
  await scene.until(channel.close());
}

/** One-way: no offer, every message answered by its acknowledgement. */
async function oneWay(scene: Scene): Promise<void> {
  const closes = scene.of.version.shutdown === 'close';
  const channel = scene.initiator(
    scene.acceptor({ ordered: false }),
    [
      ['CreateSequence without Offer', 'CreateSequenceResponse without Accept'],
      ['one-way message', 'acknowledgement, one range'],
      closes ? ['CloseSequence', ''] : ['LastMessage, one-way', ''],
      ['TerminateSequence, one-way', ''],
    ],
    { oneWay: true, ordered: false },
  );
  await scene.until(channel.open());
  await scene.say(channel, 'one', false);
  await scene.until(channel.close());
}

/** The question for a sign of life, and a session that ends without a message. */
async function polls(scene: Scene): Promise<void> {
  const closes = scene.of.version.shutdown === 'close';
  const channel = scene.initiator(scene.acceptor({ inactivityTimeout: 2 * idle }), [
    ['', ''],
    ['AckRequested', 'acknowledgement, nothing'],
    closes ? ['CloseSequence, nothing sent', 'CloseSequenceResponse, nothing'] : ['', ''],
    closes ? ['TerminateSequence, nothing sent', ''] : ['', ''],
  ]);
  await scene.until(channel.open());
  await scene.clock.advance(idle / 2 + 1);
  await scene.until(channel.close());
}

/** Ranges, and what the destination has room for. */
async function acknowledgements(scene: Scene): Promise<void> {
  const { version, soap } = scene.of;
  const acceptor = scene.acceptor({ ordered: false });
  const answer = await scene.ask(acceptor, scene.create({ expires: 'PT1H' }), 'CreateSequenceResponse with Expires');
  const { id } = readCreateSequenceResponse(version, answer);
  for (const number of [1, 2, 5]) {
    const block = sequenceHeader(version, soap, { id, number, last: false });
    await scene.until(acceptor.ask(scene.message('urn:golden:say', { headers: [block], bare: true })));
  }
  const block = sequenceHeader(version, soap, { id, number: 7, last: false });
  const request = scene.message('urn:golden:say', { headers: [block], bare: true });
  await scene.ask(acceptor, request, 'acknowledgement, three ranges');
  // At the end that does not say what it has room for.
  const quiet = scene.acceptor({ flowControlEnabled: false });
  const other = readCreateSequenceResponse(version, await scene.ask(quiet, scene.create(), ''));
  await scene.ask(quiet, scene.numbered(other.id, 1, []), 'reply outside of a sequence');
  scene.keep('CreateSequence with Expires', scene.create({ expires: 'PT1H', offer: 'urn:uuid:offered' }));
}

/** A message that asks for its acknowledgement, as over a duplex channel. */
async function delayed(scene: Scene): Promise<void> {
  const { version, soap } = scene.of;
  const id = 'urn:uuid:sequence';
  const of = scene.numbered(id, 8);
  scene.keep('message with AckRequested', withHeaders(of, [ackRequestedHeader(version, soap, id)]));
}

/** What is answered to those who get no session. */
async function refusals(scene: Scene): Promise<void> {
  const acceptor = scene.acceptor();
  const elsewhere = scene.create({ acksTo: 'http://elsewhere.example/' });
  await scene.ask(acceptor, elsewhere, 'fault CreateSequenceRefused');
  await scene.ask(acceptor, scene.message('urn:golden:say'), 'fault WsrmRequired');
  const busy = scene.acceptor({ maxPendingChannels: 1, onSession: () => new Promise(() => undefined) });
  busy.ask(scene.create()).catch(() => undefined);
  await scene.ask(busy, scene.create(), 'fault ConnectionLimitReached');
  const closing = scene.acceptor();
  await scene.until(closing.channel.open());
  await scene.until(closing.channel.close());
  await scene.ask(closing, scene.create(), 'fault EndpointUnavailable');
}

/** What is answered to messages of a sequence. */
async function faultsOfSequences(scene: Scene): Promise<void> {
  const { version, soap } = scene.of;
  const open = async () => {
    const acceptor = scene.acceptor();
    const answer = await scene.ask(acceptor, scene.create({ offer: 'urn:uuid:offered' }), '');
    return { acceptor, id: readCreateSequenceResponse(version, answer).id };
  };
  const one = await open();
  await scene.ask(one.acceptor, scene.numbered('urn:uuid:nobody', 1), 'fault UnknownSequence');
  const said = scene.acknowledging({ id: 'urn:uuid:offered', ranges: [{ lower: 1, upper: 9 }] });
  await scene.ask(one.acceptor, scene.numbered(one.id, 1, [said]), 'fault InvalidAcknowledgement');
  const two = await open();
  const beyond = scene.numbered(two.id, 123_456);
  const headers = beyond.headers.map((block) => {
    if (block.local !== 'Sequence') return block;
    const text = block.fragment.toString().replace('123456', '9223372036854775808');
    return { ...block, fragment: XmlFragment.parse(text) };
  });
  await scene.ask(two.acceptor, { ...beyond, headers }, 'fault MessageNumberRollover');
  await scene.ask(two.acceptor, scene.numbered(two.id, 1), '');
  if (version.shutdown === 'close') {
    await scene.ask(two.acceptor, scene.about('CloseSequence', two.id, 1), '');
    await scene.ask(two.acceptor, scene.numbered(two.id, 2), 'fault SequenceClosed');
    const three = await open();
    await scene.ask(three.acceptor, scene.numbered(three.id, 1), '');
    await scene.ask(three.acceptor, scene.about('CloseSequence', three.id, 0), '');
    await scene.ask(three.acceptor, scene.about('TerminateSequence', three.id, 7), 'fault SequenceTerminated');
  } else {
    const block = sequenceHeader(version, soap, { id: two.id, number: 2, last: true });
    const last = scene.message(version.actions.lastMessage ?? '', { headers: [block] });
    await scene.ask(two.acceptor, last, '');
    await scene.ask(two.acceptor, scene.numbered(two.id, 3), 'fault LastMessageNumberExceeded');
  }
}

/** What an initiator says when it gives a session up. */
async function faultsOfTheInitiator(scene: Scene): Promise<void> {
  const aborted = scene.initiator(scene.acceptor(), [
    ['', ''],
    ['fault SequenceTerminated, of the initiator', ''],
  ]);
  await scene.until(aborted.open());
  aborted.abort(new Error('The application gave up.'));
  await scene.until(aborted.closed);
  const lied = scene.initiator(
    scene.acceptor(),
    [
      ['', ''],
      ['a message', ''],
      ['fault InvalidAcknowledgement, of the initiator', ''],
    ],
    { oneWay: true },
    (answer, name) => {
      if (answer === undefined || name !== 'a message') return answer;
      scene.kept.delete(name);
      const headers = answer.headers.map((block) => {
        if (block.local !== 'SequenceAcknowledgement') return block;
        const id = /Identifier>([^<]*)</.exec(block.fragment.toString())?.[1] ?? '';
        return scene.acknowledging({ id, ranges: [{ lower: 1, upper: 99 }] });
      });
      return { ...answer, headers };
    },
  );
  await scene.until(lied.open());
  await scene.say(lied, 'one', false).catch(() => undefined);
  await scene.until(lied.closed);
}
