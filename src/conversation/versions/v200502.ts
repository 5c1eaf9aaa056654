/** WS-SecureConversation and WS-Trust of February 2005, what WSHttpBinding of WCF speaks. */
import { type ConversationVersion, conversationVersion } from './version.ts';

export const conversation200502: ConversationVersion = conversationVersion(
  '2005/02',
  'http://schemas.xmlsoap.org/ws/2005/02/sc',
  'http://schemas.xmlsoap.org/ws/2005/02/trust',
  false,
);
