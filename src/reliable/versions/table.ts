/** All versions of WS-ReliableMessaging that surewire speaks, and how one is recognised: by its namespace. */
import { reliable200502 } from './v200502.ts';
import { reliable200702 } from './v200702.ts';
import type { ReliableVersion } from './version.ts';

export const reliableVersions: readonly ReliableVersion[] = Object.freeze([reliable200702, reliable200502]);

const byNamespace: ReadonlyMap<string, ReliableVersion> = new Map(
  reliableVersions.map((version) => [version.namespace, version]),
);

/** The version whose elements live in `namespace`. */
export function versionOf(namespace: string): ReliableVersion | undefined {
  return byNamespace.get(namespace);
}

/** The version called `name`; for state that comes back from a store. */
export function versionNamed(name: string): ReliableVersion | undefined {
  return reliableVersions.find((version) => version.name === name);
}
