/** All versions of WS-SecureConversation that surewire speaks, and how one is recognised. */
import { conversation200502 } from './v200502.ts';
import { conversation200512 } from './v200512.ts';
import type { ConversationVersion } from './version.ts';

export const conversationVersions: readonly ConversationVersion[] = Object.freeze([
  conversation200512,
  conversation200502,
]);

/** The version that an action of WS-Trust belongs to. */
export function versionOfAction(action: string): ConversationVersion | undefined {
  return conversationVersions.find((version) => Object.values(version.actions).includes(action));
}
