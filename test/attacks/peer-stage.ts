/**
 * A service of ours to which a message of CXF, Metro or WSS4J is sent: as the peer sent it, and as an attacker on the way would have
 * changed it. What is recorded in test/vectors/captures is replayed from its CreateSequence on, through a session above the security
 * that the peer was told to use.
 */
import type { KeyObject } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Instant, instant, VirtualClock } from '../../src/base/clock.ts';
import { SurewireError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { layered } from '../../src/channel/binding.ts';
import type { BindingElement } from '../../src/channel/channel.ts';
import { exchange } from '../../src/channel/correlation.ts';
import { type Carry, type Delivery, delivery } from '../../src/channel/delivery.ts';
import { transform } from '../../src/channel/transform.ts';
import { underContext } from '../../src/conversation/party.ts';
import { readCreateSequenceResponse } from '../../src/reliable/bodies.ts';
import { reliableSession } from '../../src/reliable/element.ts';
import { reliable200502 } from '../../src/reliable/versions/v200502.ts';
import { reliable200702 } from '../../src/reliable/versions/v200702.ts';
import { certificates } from '../../src/security/certificates.ts';
import { security } from '../../src/security/element.ts';
import { asSecurityError, publicFault } from '../../src/security/faults.ts';
import { Guard } from '../../src/security/guard.ts';
import { x509Signed } from '../../src/security/policy.ts';
import { trustChain } from '../../src/security/trust.ts';
import { addressing200508 } from '../../src/soap/addressing-versions.ts';
import { encodeEnvelope, message } from '../../src/soap/envelope.ts';
import type { Message } from '../../src/soap/message.ts';
import { memory } from '../../src/stores/memory.ts';
import { XmlWriter } from '../../src/xml/write.ts';
import type { Recording } from '../interop/recordings.ts';
import { idle, pki, read } from '../security/rig.ts';
import {
  conversationOf,
  createdAt,
  mutual,
  opened,
  type RecordedConversation,
  recordings,
  recordingsFolder,
  required,
} from '../vectors/replayed.ts';
import { Letter } from './letter.ts';
import { fault } from './support.ts';

/** What came back for some octets, and why at home. */
interface Outcome {
  /** Undefined when nothing came back, or when the octets were no message at all. */
  readonly answer: string | undefined;
  readonly codes: readonly string[];
}

/** A service that waits for the message that is attacked. */
export interface PeerScene {
  readonly clock: VirtualClock;
  /** As the peer sent it. */
  readonly valid: string;
  /** Everything that the application was handed, in one text each. */
  readonly heard: readonly string[];
  receive(octets: string | Uint8Array): Promise<Outcome>;
  /** Of the security context that the peer has asked for: with it the peer itself could have signed what is received. */
  readonly secret: KeyObject | undefined;
  /** All that the session knows. */
  state(): Promise<string>;
}

/** A message that a peer has signed. */
export interface Target {
  readonly name: string;
  scene(): Promise<PeerScene>;
}

export function recordingOf(name: string): Recording {
  return required(recordings.find((one) => one.name === name));
}

function recorded(name: string, number: number, kind: 'request' | 'response'): string {
  const octets = readFileSync(join(recordingsFolder, name, `${String(number).padStart(3, '0')}-${kind}.http`));
  return octets.subarray(octets.indexOf('\r\n\r\n') + 4).toString('utf8');
}

/** The body of a recorded request, by its number. */
export function requestOf(name: string, number: number): string {
  return recorded(name, number, 'request');
}

/** The body of the answer to it. */
export function answerOf(name: string, number: number): string {
  return recorded(name, number, 'response');
}

const namespace = 'urn:surewire:interop';

/** What an application is handed, in one text. */
function handed({ message: of }: Delivery): string {
  return [of.action, ...of.headers.map(({ fragment }) => fragment.toString()).sort(), of.body.toString()].join('\n');
}

/** Hands octets up, and collects what was told of them at home. */
async function received(up: Carry, octets: string | Uint8Array): Promise<Outcome> {
  const codes: string[] = [];
  const listen = (event: unknown) => {
    const { event: name, code, error } = event as { event: string; code?: string; error?: unknown };
    if (name === 'message.refused' && code !== undefined) codes.push(code);
    else if (error instanceof SurewireError) codes.push(error.code);
  };
  const rooms = ['surewire:security', 'surewire:reliable'];
  for (const room of rooms) subscribe(room, listen);
  try {
    const answer = await up(delivery(read(octets)));
    return { answer: answer && new TextDecoder().decode(encodeEnvelope(answer.message)), codes };
  } catch (thrown) {
    if (!(thrown instanceof SurewireError)) throw thrown;
    return { answer: undefined, codes: [...codes, thrown.code] };
  } finally {
    for (const room of rooms) unsubscribe(room, listen);
  }
}

/** Security of a recorded conversation, whose context was asked for in the recording. */
function underRecordedContext({ contexts, session }: RecordedConversation, clock: VirtualClock): BindingElement {
  const guard = new Guard(session, { clock, random: seededRandom(5) }, contexts);
  const up = (next: Carry) => async (arrived: Delivery) => {
    try {
      const { delivery: trip, exchange: left } = await guard.examineRequest(arrived);
      const answer = await next(underContext(trip, required(left.context), undefined, 'context'));
      return answer?.carrying((await guard.secureReply(answer.message, left)).message);
    } catch (thrown) {
      return delivery(publicFault(arrived.message, asSecurityError(thrown)));
    }
  };
  return transform({ name: 'a recorded context', place: 'security', up });
}

interface Prepared {
  /** Of the sequence. */
  readonly id: string;
  readonly start: Instant;
  secured(clock: VirtualClock): BindingElement;
  readonly secret: KeyObject | undefined;
}

async function prepared(of: Recording): Promise<Prepared> {
  const version = of.version === '1.0' ? reliable200502 : reliable200702;
  const exchanges = await opened(of);
  const created = exchanges.find(({ request }) => request.message.action === version.actions.createSequence);
  const id = readCreateSequenceResponse(version, required(created?.answer)).id;
  const start = required(createdAt(read(requestOf(of.name, 1))));
  if (of.mode === 'conversation') {
    const conversation = await conversationOf(of);
    const { key } = required(conversation.contexts.find({ identifier: '', instance: undefined }, undefined));
    return { id, start, secret: key, secured: (clock) => underRecordedContext(conversation, clock) };
  }
  const policy = await mutual(of, 'service');
  return { id, start, secret: undefined, secured: (clock) => security(policy, { clock, random: seededRandom(6) }) };
}

/** Message `number` of a recording, and the service that has heard everything before it. */
function recordedTarget(name: string, number: number): Target {
  const of = recordingOf(name);
  let preparing: Promise<Prepared> | undefined;
  const scene = async (): Promise<PeerScene> => {
    preparing ??= prepared(of);
    const { id, start, secured, secret } = await preparing;
    const clock = new VirtualClock(start);
    const store = memory();
    const heard: string[] = [];
    let up: Carry = async () => undefined;
    const session = reliableSession({
      clock,
      store,
      random: seededRandom(7),
      flowControlEnabled: false,
      newIdentifier: (use) => (use === 'sequence' ? id : `urn:uuid:${use}`),
    });
    layered([exchange({ addressing: addressing200508 }), session, secured(clock)], (receive) => {
      up = receive;
      return idle('acceptor', async () => undefined);
    })(async (trip) => {
      heard.push(handed(trip));
      return trip.carrying(echoed(trip.message));
    });
    for (let earlier = of.mode === 'conversation' ? 2 : 1; earlier < number; earlier += 1) {
      await up(delivery(read(requestOf(name, earlier))));
    }
    return {
      clock,
      heard,
      valid: requestOf(name, number),
      secret,
      receive: (octets) => received(up, octets),
      state: async () => {
        const sessions = await store.sessions();
        const messages = await Promise.all(sessions.map(({ session: key }) => Array.fromAsync(store.messages(key))));
        return JSON.stringify([sessions, messages.flat().map((one) => ({ ...one, octets: String(one.octets) }))]);
      },
    };
  };
  return { name, scene };
}

function echoed(of: Message): Message {
  const writer = new XmlWriter().start(namespace, 'echoResponse', '').element(namespace, 'text', '', '').end();
  return message({ version: of.version, action: `${namespace}/echoResponse`, body: writer.finish() });
}

const wss4j = join(import.meta.dirname, '../fuzz/corpus/signed-by-wss4j');

/** A message that WSS4J has signed, without a session. */
function wss4jTarget(file: string): Target {
  const scene = async (): Promise<PeerScene> => {
    const anchors = certificates(readFileSync(join(wss4j, 'authority.pem'), 'utf8'));
    const policy = x509Signed({ key: (await pki()).stranger.key(), trust: trustChain({ anchors }) });
    const valid = readFileSync(join(wss4j, file), 'utf8');
    const clock = new VirtualClock(createdAt(read(valid)) ?? instant(0));
    const heard: string[] = [];
    let up: Carry = async () => undefined;
    security(policy, { clock, random: seededRandom(7) }).wrap((receive) => {
      up = receive;
      return idle('acceptor', async () => undefined);
    })(async (trip) => {
      heard.push(handed(trip));
      return undefined;
    });
    const receive = (octets: string | Uint8Array) => received(up, octets);
    return { clock, heard, valid, receive, state: async () => '', secret: undefined };
  };
  return { name: `WSS4J ${file}`, scene };
}

/** Signed and then encrypted with the certificates of both. */
export const metro: Target = recordedTarget('metro-client-sign-encrypt-rm11', 2);
export const cxf: Target = recordedTarget('cxf-client-sign-encrypt-rm11', 2);
/** Under keys derived of a security context. */
export const metroContext: Target = recordedTarget('metro-client-conversation-rm11', 3);
export const cxfContext: Target = recordedTarget('cxf-client-conversation-rm11', 3);
/** Signed, and nothing else. */
export const wss4jRsa: Target = wss4jTarget('rsa-sha256.xml');
export const wss4jEcdsa: Target = wss4jTarget('ecdsa-sha384.xml');

export const contexts: readonly Target[] = [metroContext, cxfContext];
/** One of each: other combinations take the same way through the code. */
export const sessions: readonly Target[] = [cxf, metroContext];
export const everybody: readonly Target[] = [metro, cxfContext, wss4jRsa];

/** One code for all, or one for each of the targets. */
export type Codes = string | readonly string[];
export type Change = (
  letter: Letter,
  scene: PeerScene,
) => Letter | string | Uint8Array | Promise<Letter | string | Uint8Array>;

/**
 * The message of every target is changed: nothing is heard, no state has moved, the wire says the one fault, at home the code is the
 * expected one. Then the message of the peer is taken as it was sent: the attack has not even used it up.
 *
 * @param title begins with the id of the attack in docs/ATTACKS.md
 * @param codes one for all targets, or one for each in their order
 */
export function attacked(title: string, targets: readonly Target[], codes: Codes, change: Change): void {
  test(title, async () => {
    const found: (string | undefined)[] = [];
    for (const target of targets) {
      const scene = await target.scene();
      const result = await change(new Letter(scene.valid), scene);
      const octets = result instanceof Letter ? result.text : result;
      expect(octets, target.name).not.toBe(scene.valid);
      const [before, calls] = [await scene.state(), scene.heard.length];
      const outcome = await scene.receive(octets);
      expect(scene.heard, `${target.name} changed is not heard`).toHaveLength(calls);
      expect(await scene.state(), target.name).toBe(before);
      const [code] = outcome.codes;
      found.push(code);
      if (code?.startsWith('SECURITY_')) expect(outcome.answer, target.name).toBe(fault);
      await expectAccepted(scene, target, calls);
    }
    expect(found).toEqual(typeof codes === 'string' ? targets.map(() => codes) : codes);
  });
}

async function expectAccepted(scene: PeerScene, { name }: Target, calls: number): Promise<void> {
  const { codes } = await scene.receive(scene.valid);
  expect(codes, `${name} as it was sent`).toEqual([]);
  expect(scene.heard, `${name} as it was sent`).toHaveLength(calls + 1);
}

/** Whatever was done, what the application is handed is what the peer has signed, and nothing of what was added. */
export function unmoved(title: string, targets: readonly Target[], change: Change): void {
  test(title, async () => {
    for (const target of targets) {
      const [honest, scene] = [await target.scene(), await target.scene()];
      await expectAccepted(honest, target, honest.heard.length);
      const result = await change(new Letter(scene.valid), scene);
      const octets = result instanceof Letter ? result.text : result;
      expect(octets, target.name).not.toBe(scene.valid);
      expect((await scene.receive(octets)).codes, target.name).toEqual([]);
      expect(scene.heard, target.name).toEqual(honest.heard);
    }
  });
}
