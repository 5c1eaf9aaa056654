/**
 * A session that gSOAP, CXF or Metro has begun, with our acceptor at the other end: what the peer sent is as our security has proven it,
 * and what is changed in it is what the peer itself could have said, or somebody else who has proven another identity.
 */
import { VirtualClock } from '../../src/base/clock.ts';
import type { Delivery } from '../../src/channel/delivery.ts';
import { peer } from '../../src/channel/transport.ts';
import { readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { readReliableFault } from '../../src/reliable/faults.ts';
import type { ReliableSessionOptions } from '../../src/reliable/settings.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import type { ReliableVersion } from '../../src/reliable/versions/version.ts';
import { type Evidence, evidence } from '../../src/security/evidence.ts';
import { encodeEnvelope, message, payload } from '../../src/soap/envelope.ts';
import { faultOf } from '../../src/soap/fault.ts';
import type { Message } from '../../src/soap/message.ts';
import { memory } from '../../src/stores/memory.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import { acceptorEnd } from '../reliable/ends.ts';
import { read } from '../security/rig.ts';
import { type OpenedExchange, opened, required } from '../vectors/replayed.ts';
import { Letter } from './letter.ts';
import { recordingOf } from './peer-stage.ts';

const namespace = 'urn:surewire:interop';
const known = new Map<string, Promise<readonly OpenedExchange[]>>();

export interface PeerSession {
  readonly version: ReliableVersion;
  readonly clock: VirtualClock;
  /** Of the sequence. */
  readonly id: string;
  readonly heard: readonly string[];
  /** What the peer asked for: CreateSequence, message 1, message 2, and what ends the sequence. */
  letter(at: number): Letter;
  /** Sends it, changed or not, as the peer or as somebody else. */
  ask(of: Letter, who?: 'peer' | 'another'): Promise<Message | undefined>;
  state(): Promise<string>;
}

/**
 * Our end of a recorded session, where nothing was said yet.
 *
 * @param work what the application does with the text of a message
 */
export async function peerSession(
  name: string,
  options: ReliableSessionOptions = {},
  work: (text: string) => void = () => undefined,
): Promise<PeerSession> {
  const of = recordingOf(name);
  const version = of.version === '1.0' ? reliable200502 : reliable200702;
  const opening = known.get(name) ?? opened(of);
  known.set(name, opening);
  const exchanges = await opening;
  const id = readCreateSequenceResponse(version, required(exchanges[0]?.answer)).id;
  const clock = new VirtualClock(Date.UTC(2026, 10, 28, 20));
  const store = memory();
  const heard: string[] = [];
  let created = 0;
  const newIdentifier = (use: string): string => {
    if (use !== 'sequence') return `urn:uuid:${use}`;
    created += 1;
    return created === 1 ? id : `urn:uuid:${created}`;
  };
  const end = acceptorEnd({ clock, store, newIdentifier, flowControlEnabled: false, ...options }, async (trip) => {
    const text = payload(trip.message)?.children[0]?.text ?? '';
    heard.push(text);
    work(text);
    const writer = new XmlWriter().start(namespace, 'echoResponse', '').element(namespace, 'text', text, '').end();
    const answer = { version: trip.message.version, action: `${namespace}/echoResponse`, body: writer.finish() };
    return trip.carrying(message(answer));
  });
  const shown = exchanges[0]?.request.get(evidence);
  const marks = {
    peer: (trip: Delivery) => proving(trip, shown, 'alice'),
    another: (trip: Delivery) => proving(trip, shown && other(shown), 'mallory'),
  };
  return {
    version,
    clock,
    id,
    heard,
    letter: (at) => new Letter(new TextDecoder().decode(encodeEnvelope(required(exchanges[at]).request.message))),
    ask: (letter, who = 'peer') => end.ask(read(letter.text), marks[who]),
    state: async () => {
      const sessions = await store.sessions();
      const messages = await Promise.all(sessions.map(({ session: key }) => Array.fromAsync(store.messages(key))));
      return JSON.stringify([sessions, messages.flat().map((one) => ({ ...one, octets: String(one.octets) }))]);
    },
  };
}

/** Where the messages are not secured, it is the certificate of TLS that says who it is. */
function proving(trip: Delivery, shown: Evidence | undefined, name: string): Delivery {
  return shown === undefined ? trip.with(peer, { secure: true, fingerprint: name }) : trip.with(evidence, shown);
}

function other(of: Evidence): Evidence {
  const signer = { ...required(of.signer), identity: 'x509:another', name: 'another' };
  const { context } = of;
  return { ...of, signer, signers: [signer], ...(context && { context: { ...context, identifier: 'urn:another' } }) };
}

/** What an answer complains of: the fault of WS-RM by name, another by its subcode or code, or nothing. */
export function complaint(answer: Message | undefined): string | undefined {
  if (answer === undefined) return undefined;
  const fault = faultOf(answer);
  return readReliableFault(answer)?.fault.name ?? fault?.subcode?.local ?? fault?.code;
}
