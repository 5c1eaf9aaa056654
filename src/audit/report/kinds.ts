/** What a message is for, from what it says of itself, and the few words that stand on its arrow. */
import type { Facts } from '../transcript/facts.ts';
import type { RowKind } from './model.ts';

export interface Described {
  readonly kind: RowKind;
  readonly label: string;
}

const controls: Readonly<Record<NonNullable<Facts['control']>['kind'], string>> = {
  create: 'CreateSequence',
  created: 'CreateSequenceResponse',
  close: 'CloseSequence',
  closed: 'CloseSequenceResponse',
  terminate: 'TerminateSequence',
  terminated: 'TerminateSequenceResponse',
};

/** Ends of the actions of WS-Trust about security contexts. */
const contexts: readonly (readonly [action: RegExp, label: string])[] = [
  [/\/RST\/SCT$/, 'security context: request'],
  [/\/RSTR\/SCT$/, 'security context: issued'],
  [/\/RST\/SCT\/?-?Renew$/i, 'security context: renew'],
  [/\/RSTR\/SCT\/?-?Renew$/i, 'security context: renewed'],
  [/\/RST\/SCT\/?-?Cancel$/i, 'security context: cancel'],
  [/\/RSTR\/SCT\/?-?Cancel$/i, 'security context: cancelled'],
  [/\/RSTR?\/[A-Za-z]+$/, 'token'],
];

export function described(facts: Facts | undefined): Described {
  if (facts === undefined) return { kind: 'message', label: 'unreadable' };
  const { fault, control, sequence, payload, action, acknowledgements, ackRequested } = facts;
  if (fault !== undefined) return { kind: 'fault', label: `fault ${fault.code}` };
  if (control !== undefined) return { kind: control.kind, label: controls[control.kind] };
  const context = contexts.find(([pattern]) => pattern.test(action));
  if (context !== undefined) return { kind: 'context', label: context[1] };
  if (sequence !== undefined) {
    const isEmpty = payload === undefined && sequence.last === true;
    return isEmpty
      ? { kind: 'last', label: `LastMessage ${sequence.number}` }
      : { kind: 'application', label: `${sequence.number} · ${short(action)}` };
  }
  if (payload === undefined && acknowledgements !== undefined) {
    return { kind: 'acknowledgement', label: 'acknowledgement' };
  }
  if (payload === undefined && ackRequested !== undefined) return { kind: 'message', label: 'AckRequested' };
  return { kind: 'message', label: short(action) || 'message' };
}

/** The last part of an action. */
function short(action: string): string {
  return action.slice(action.search(/[^/:#]*[/:#]?$/)).slice(0, 60);
}
