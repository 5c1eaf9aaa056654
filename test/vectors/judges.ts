/** Which judge a kind of vector has. Kinds of rooms that do not exist yet say which. */
import { judgeCanonical, judgeHardening } from './canonical.ts';
import { judgeEncryption } from './encryption.ts';
import type { VectorCase } from './manifest.ts';
import { judgeCaptured, judgeSample } from './messages.ts';
import { judgePath } from './paths.ts';
import { judgeNormalForm, judgePolicy } from './policies.ts';
import { judgeDerivations, judgePrimitive } from './primitives.ts';
import { type Judge, type VectorResult, wrong } from './result.ts';
import { judgeSecured } from './secured.ts';
import { judgeSignature } from './signatures.ts';

const judges: ReadonlyMap<string, Judge> = new Map([
  ['c14n', judgeCanonical],
  ['xml-hardening', judgeHardening],
  ['xmlenc', judgeEncryption],
  ['dsig', judgeSignature],
  ['wss', judgeSecured],
  ['wss-policy', judgeSecured],
  ['wsrm-message', judgeCaptured],
  ['message', judgeSample],
  ['certpath', judgePath],
  ['crypto', judgePrimitive],
  ['crypto-kdf', judgeDerivations],
  ['policy-normalize', judgeNormalForm],
  ['policy-parse', judgePolicy],
]);

export interface Judged {
  readonly folder: string;
  readonly kind: string;
  readonly id: string;
  readonly result: VectorResult;
}

/** Every case has a result; an error that is not ours, or a kind without a judge, is a wrong one. */
export async function judge(one: VectorCase): Promise<Judged> {
  const { folder, kind, id } = one;
  const of = judges.get(kind);
  if (of === undefined) return { folder, kind, id, result: wrong(`kind ${kind} has no judge`) };
  try {
    return { folder, kind, id, result: await of(one) };
  } catch (thrown) {
    return { folder, kind, id, result: wrong(`threw ${thrown}`) };
  }
}
