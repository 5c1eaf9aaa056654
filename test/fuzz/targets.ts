/** The targets by name. */
import { decryptTarget } from './decrypt-target.ts';
import { messageTarget } from './message-target.ts';
import type { Target, TargetName } from './target.ts';
import { verifyTarget } from './verify-target.ts';
import { canonicalizeTarget, envelopeTarget, scanTarget } from './xml-targets.ts';

export const targets: Readonly<Record<TargetName, () => Target | Promise<Target>>> = {
  scan: scanTarget,
  canonicalize: canonicalizeTarget,
  envelope: envelopeTarget,
  verify: verifyTarget,
  decrypt: decryptTarget,
  message: messageTarget,
};

export const targetNames: readonly TargetName[] = ['scan', 'canonicalize', 'envelope', 'verify', 'decrypt', 'message'];
