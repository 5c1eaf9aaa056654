/** WS-SecureConversation 1.3 and 1.4 with WS-Trust 1.3 and 1.4 of OASIS, what WS2007HttpBinding of WCF speaks: the default. */
import { type ConversationVersion, conversationVersion } from './version.ts';

export const conversation200512: ConversationVersion = conversationVersion(
  '200512',
  'http://docs.oasis-open.org/ws-sx/ws-secureconversation/200512',
  'http://docs.oasis-open.org/ws-sx/ws-trust/200512',
  true,
);
