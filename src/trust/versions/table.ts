/** All versions of WS-Trust that surewire speaks, and how a request is recognised. */
import { trust200502 } from './v200502.ts';
import { trust200512 } from './v200512.ts';
import type { TrustOperation, TrustVersion } from './version.ts';

export const trustVersions: readonly TrustVersion[] = Object.freeze([trust200512, trust200502]);

/** What a request with this wsa:Action asks, and in which version. */
export function askedBy(
  action: string,
): { readonly version: TrustVersion; readonly operation: TrustOperation } | undefined {
  for (const version of trustVersions) {
    for (const [operation, { request }] of Object.entries(version.actions)) {
      if (request === action) return { version, operation: operation as TrustOperation };
    }
  }
  return undefined;
}
