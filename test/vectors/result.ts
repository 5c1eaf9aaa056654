/** What comes of a vector, and why: every case has one of these, and none is passed over. */
import { SurewireError } from '../../src/base/errors.ts';
import type { VectorCase } from './manifest.ts';

export type VectorResult =
  /** As the manifest says. */
  | { readonly outcome: 'pass'; readonly reason: string }
  /** Others take it; a rule of ours refuses it, by name and by the code that was seen. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** The manifest has no verdict, because no oracle had one: what came of it here is written down. */
  | { readonly outcome: 'unjudged'; readonly reason: string }
  /** The code that it is about does not exist yet. */
  | { readonly outcome: 'elsewhere'; readonly reason: string }
  /** It contradicts the manifest, and no rule says why. */
  | { readonly outcome: 'wrong'; readonly reason: string };

export type Judge = (one: VectorCase) => VectorResult | Promise<VectorResult>;

export const pass = (reason: string): VectorResult => ({ outcome: 'pass', reason });
export const refusedBy = (rule: string): VectorResult => ({ outcome: 'refused', reason: rule });
export const unjudged = (reason: string): VectorResult => ({ outcome: 'unjudged', reason });
export const elsewhere = (reason: string): VectorResult => ({ outcome: 'elsewhere', reason });
export const wrong = (reason: string): VectorResult => ({ outcome: 'wrong', reason });

/** The error of some work, or `undefined`; anything that is not ours is a defect and goes on. */
export async function errorOf(work: () => unknown): Promise<SurewireError | undefined> {
  try {
    await work();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof SurewireError) return thrown;
    throw thrown;
  }
}
