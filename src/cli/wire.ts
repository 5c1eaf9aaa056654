/** What serve, send and demo put together in the same way: the names of versions, what is published for operators. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { DiagnosticEvent } from '../base/diagnostics.ts';
import { reliable200502 } from '../reliable/versions/v200502.ts';
import { reliable200702 } from '../reliable/versions/v200702.ts';
import type { ReliableVersion } from '../reliable/versions/version.ts';
import { type SoapVersion, soap11, soap12 } from '../soap/version.ts';

/** Versions as they are called on the command line. */
export const reliableByName: ReadonlyMap<string, ReliableVersion> = new Map([
  ['1.0', reliable200502],
  ['1.1', reliable200702],
]);
export const soapByName: ReadonlyMap<string, SoapVersion> = new Map([
  ['1.1', soap11],
  ['1.2', soap12],
]);

/**
 * A drop box writes to a disk and is slower than a network: what waits for its turn must not look like a loss to a sender
 * whose own window is the usual one.
 */
export const serviceSettings = { maxTransferWindowSize: 256 } as const;

/** wsa:Action of what `surewire send` sends when nothing else is said. */
export const documentAction = 'urn:surewire:drop/Document';

const rooms = ['transport', 'security', 'reliable', 'service', 'stores'] as const;
export type Room = (typeof rooms)[number];

/** Hears what the rooms publish; the value stops it. */
export function hear(listen: (room: Room, event: DiagnosticEvent) => void): () => void {
  const ears = rooms.map((room) => ({
    topic: `surewire:${room}`,
    ear: (event: unknown) => listen(room, event as DiagnosticEvent),
  }));
  for (const { topic, ear } of ears) subscribe(topic, ear);
  return () => {
    for (const { topic, ear } of ears) unsubscribe(topic, ear);
  };
}
