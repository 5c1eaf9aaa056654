/**
 * The faults of WS-SecureConversation (1.3, section 10), WS-Trust (1.3, section 11) and of WCF's sessions: written by an issuer,
 * recognised by whoever asked.
 */
import type { Fault, QualifiedName } from '../soap/errors.ts';
import { faultOf } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import type { ConversationVersion } from './versions/version.ts';

/** Of WCF: faults that concern the whole session, and what it puts into tokens. */
export const sessions = 'http://schemas.microsoft.com/ws/2006/05/security';

/** wsa:Action under which WCF's client looks for RenewNeeded and SecuritySessionAborted. */
export const sessionFaultAction: string = `${sessions}/SecureConversationFault`;

export type ConversationFaultName =
  | 'BadContextToken'
  | 'RenewNeeded'
  | 'UnableToRenew'
  | 'SecuritySessionAborted'
  | 'InvalidRequest'
  | 'RequestFailed'
  | 'ServerTooBusy';

interface Row {
  readonly code: Fault['code'];
  readonly namespace: (version: ConversationVersion) => string;
  readonly reason: string;
}

const rows: Readonly<Record<ConversationFaultName, Row>> = Object.freeze({
  BadContextToken: { code: 'sender', namespace: conversation, reason: 'The security context is not known here.' },
  RenewNeeded: { code: 'sender', namespace: conversation, reason: 'The key of the security context has expired.' },
  UnableToRenew: { code: 'sender', namespace: conversation, reason: 'The security context cannot be renewed.' },
  SecuritySessionAborted: { code: 'sender', namespace: () => sessions, reason: 'The security session was aborted.' },
  InvalidRequest: { code: 'sender', namespace: trust, reason: 'The request for a security token cannot be used.' },
  RequestFailed: { code: 'sender', namespace: trust, reason: 'The request for a security token was refused.' },
  ServerTooBusy: { code: 'receiver', namespace: () => sessions, reason: 'There are too many security sessions.' },
});

function conversation({ namespace }: ConversationVersion): string {
  return namespace;
}

function trust(version: ConversationVersion): string {
  return version.trust;
}

export function conversationFault(version: ConversationVersion, name: ConversationFaultName, reason?: string): Fault {
  const row = rows[name];
  const subcode: QualifiedName = { namespace: row.namespace(version), local: name };
  return { code: row.code, subcode, reason: reason ?? row.reason };
}

/** Which fault of a conversation a message is; `undefined` when it is another, or none. */
export function conversationFaultOf(
  version: ConversationVersion,
  of: Fault | undefined,
): ConversationFaultName | undefined {
  const { subcode } = of ?? {};
  if (subcode === undefined) return undefined;
  const names = Object.keys(rows) as ConversationFaultName[];
  return names.find((name) => name === subcode.local && rows[name].namespace(version) === subcode.namespace);
}

/** What a message says of the session as a whole: only under the action that is kept for it. */
export function sessionFaultOf(version: ConversationVersion, of: Message): 'renew' | 'aborted' | undefined {
  if (of.action !== sessionFaultAction) return undefined;
  const name = conversationFaultOf(version, faultOf(of));
  if (name === 'RenewNeeded') return 'renew';
  return name === 'SecuritySessionAborted' ? 'aborted' : undefined;
}
