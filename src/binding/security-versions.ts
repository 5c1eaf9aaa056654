/**
 * WCF's MessageSecurityVersion as rows: which WS-Security, WS-Trust with WS-SecureConversation, and WS-SecurityPolicy go
 * together. The names are those of its enumeration, which configurations write out.
 */
import { conversation200502 } from '../conversation/versions/v200502.ts';
import { conversation200512 } from '../conversation/versions/v200512.ts';
import type { ConversationVersion } from '../conversation/versions/version.ts';

export interface MessageSecurityVersion {
  readonly name: string;
  readonly wss: '1.0' | '1.1';
  /** WS-Trust and WS-SecureConversation. */
  readonly conversation: ConversationVersion;
  /** Of WS-SecurityPolicy. */
  readonly policy: '1.1' | '1.2';
}

function row(wss: '1.0' | '1.1', oasis: boolean, profile: boolean): MessageSecurityVersion {
  const versions = oasis
    ? 'WSTrust13WSSecureConversation13WSSecurityPolicy12'
    : 'WSTrustFebruary2005WSSecureConversationFebruary2005WSSecurityPolicy11';
  return Object.freeze({
    name: `WSSecurity${wss.replace('.', '')}${versions}${profile ? 'BasicSecurityProfile10' : ''}`,
    wss,
    conversation: oasis ? conversation200512 : conversation200502,
    policy: oasis ? '1.2' : '1.1',
  });
}

export const messageSecurity11Feb2005: MessageSecurityVersion = row('1.1', false, true);
export const messageSecurity11Trust13: MessageSecurityVersion = row('1.1', true, true);
export const messageSecurity10Feb2005: MessageSecurityVersion = row('1.0', false, true);
/** `Default` of a custom binding. */
export const messageSecurityDefault: MessageSecurityVersion = row('1.1', false, false);

/** All six of the enumeration. */
export const messageSecurityVersions: readonly MessageSecurityVersion[] = Object.freeze([
  messageSecurity10Feb2005,
  messageSecurity11Feb2005,
  messageSecurityDefault,
  row('1.0', true, true),
  messageSecurity11Trust13,
  row('1.1', true, false),
]);
