/**
 * What a message that came over a duplex channel is about: a pure reading of its headers, action and body. Which session it
 * belongs to, and what becomes of it, is decided by whoever asked.
 */
import { faultOf } from '../../soap/fault.ts';
import type { Message } from '../../soap/message.ts';
import { type EndOfSequence, readAboutSequence } from '../bodies.ts';
import { type ReliableFault, readReliableFault } from '../faults.ts';
import { type ReliableHeaders, readHeaders, type SequenceBlock } from '../headers.ts';
import { versionOf } from '../versions/table.ts';
import type { ReliableVersion } from '../versions/version.ts';

export type About =
  | { readonly kind: 'message'; readonly block: SequenceBlock }
  | { readonly kind: 'create' | 'created' }
  /** About the sequence that the receiver of the message receives on. */
  | { readonly kind: 'close' | 'terminate'; readonly body: EndOfSequence }
  /** About the sequence that it sends on. */
  | { readonly kind: 'closed' | 'terminated'; readonly body: EndOfSequence }
  /** Acknowledges, or asks for an acknowledgement, and nothing else. */
  | { readonly kind: 'acknowledgement' }
  | { readonly kind: 'fault'; readonly fault: ReliableFault | undefined };

export interface Hearing {
  readonly version: ReliableVersion;
  readonly headers: ReliableHeaders | undefined;
  readonly about: About;
}

/**
 * @returns `undefined` when the message is not one of WS-RM
 * @throws ReliableError `RELIABLE_MALFORMED`
 */
export function hearing(message: Message): Hearing | undefined {
  const headers = readHeaders(message);
  const version = headers?.version ?? versionOfAction(message.action);
  if (headers?.sequence === undefined && faultOf(message) !== undefined) {
    const found = readReliableFault(message);
    const named = found?.version ?? version;
    return named === undefined ? undefined : { version: named, headers, about: { kind: 'fault', fault: found?.fault } };
  }
  if (version === undefined) return undefined;
  const about = aboutOf(message, version, headers);
  return about === undefined ? undefined : { version, headers, about };
}

function aboutOf(message: Message, version: ReliableVersion, headers: ReliableHeaders | undefined): About | undefined {
  const { actions } = version;
  switch (message.action) {
    case actions.createSequence:
      return { kind: 'create' };
    case actions.createSequenceResponse:
      return { kind: 'created' };
    case actions.terminateSequence:
      return { kind: 'terminate', body: readAboutSequence(version, message, 'TerminateSequence') };
    case actions.closeSequence:
      return { kind: 'close', body: readAboutSequence(version, message, 'CloseSequence') };
    case actions.closeSequenceResponse:
      return { kind: 'closed', body: readAboutSequence(version, message, 'CloseSequenceResponse') };
    case actions.terminateSequenceResponse:
      return { kind: 'terminated', body: readAboutSequence(version, message, 'TerminateSequenceResponse') };
    default:
  }
  if (headers?.sequence !== undefined) return { kind: 'message', block: headers.sequence };
  const isAbout = message.action === actions.ackRequested || message.action === actions.sequenceAcknowledgement;
  return isAbout && headers !== undefined ? { kind: 'acknowledgement' } : undefined;
}

function versionOfAction(action: string): ReliableVersion | undefined {
  const slash = action.lastIndexOf('/');
  return slash < 0 ? undefined : versionOf(action.slice(0, slash));
}

/**
 * Whether what an initiator hears names one of the session's sequences, where it names one at all: `id` is the one that it sends on,
 * `offer` the one that the peer does.
 */
export function isAbout(
  { about, headers }: Hearing,
  session: { readonly id: string; readonly offer: string | undefined },
): boolean {
  switch (about.kind) {
    case 'message':
      return about.block.id === session.offer;
    case 'close':
    case 'terminate':
      return about.body.id === session.offer;
    case 'closed':
    case 'terminated':
      return about.body.id === session.id;
    case 'acknowledgement': {
      const isAsked = session.offer !== undefined && headers?.ackRequested.includes(session.offer) === true;
      return isAsked || headers?.acknowledgements.some(({ id }) => id === session.id) === true;
    }
    case 'fault':
      return true;
    case 'create':
    case 'created':
      return false;
    default:
      return about satisfies never;
  }
}
