/**
 * What a message says of itself, read from its octets: addressing, sequence, acknowledgements, and what a reliable session
 * says between messages. Nothing of it is proven.
 */
import { readAboutSequence, readCreateSequence, readCreateSequenceResponse } from '../../reliable/bodies.ts';
import { type ReliableHeaders, readHeaders } from '../../reliable/headers.ts';
import { reliableVersions } from '../../reliable/versions/table.ts';
import type { ReliableVersion } from '../../reliable/versions/version.ts';
import { addressingOf } from '../../soap/addressing.ts';
import { payload } from '../../soap/envelope.ts';
import { faultOf } from '../../soap/fault.ts';
import type { Message } from '../../soap/message.ts';

/** What a reliable session says between messages; `id` is the sequence that it is about. */
export type Control =
  | { readonly kind: 'create'; readonly offer?: string | undefined }
  | { readonly kind: 'created'; readonly id: string; readonly accepted: boolean }
  | {
      readonly kind: 'close' | 'closed' | 'terminate' | 'terminated';
      readonly id: string;
      readonly last?: number | undefined;
    };

export interface FactAcknowledgement {
  readonly id: string;
  /** Lower and upper end of each range, both included. */
  readonly ranges: readonly (readonly [lower: number, upper: number])[];
  readonly nacks?: readonly number[] | undefined;
  readonly final?: true | undefined;
}

export interface Facts {
  /** Version of SOAP. */
  readonly soap: string;
  readonly action: string;
  readonly messageId?: string | undefined;
  readonly relatesTo?: string | undefined;
  readonly to?: string | undefined;
  /** Name of the payload, `{namespace}local`; absent for an empty Body. */
  readonly payload?: string | undefined;
  /** Version of WS-ReliableMessaging. */
  readonly reliable?: string | undefined;
  readonly sequence?: { readonly id: string; readonly number: number; readonly last?: true } | undefined;
  readonly acknowledgements?: readonly FactAcknowledgement[] | undefined;
  /** Sequences that are to be acknowledged now. */
  readonly ackRequested?: readonly string[] | undefined;
  readonly control?: Control | undefined;
  readonly fault?: { readonly code: string; readonly reason: string } | undefined;
  /** Why what it says of addressing or sequences cannot be read. */
  readonly malformed?: string | undefined;
}

/** Never throws: what cannot be read is told in `malformed`. */
export function factsOf(message: Message): Facts {
  const troubles: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (thrown) {
      troubles.push(thrown instanceof Error ? thrown.message : String(thrown));
      return undefined;
    }
  };
  const content = payload(message);
  const addressing = attempt(() => addressingOf(message));
  const headers = attempt(() => readHeaders(message));
  const control = attempt(() => controlOf(message));
  const fault = attempt(() => faultOf(message));
  return {
    soap: message.version.name,
    action: message.action,
    messageId: addressing?.messageId,
    relatesTo: addressing?.relatesTo,
    to: addressing?.to,
    payload: content === undefined ? undefined : `{${content.namespace}}${content.local}`,
    ...sessionFacts(headers),
    control,
    fault:
      fault === undefined
        ? undefined
        : { code: fault.subcode?.local ?? fault.code, reason: fault.reason.slice(0, 1_000) },
    malformed: troubles[0],
  };
}

function sessionFacts(headers: ReliableHeaders | undefined): Partial<Facts> {
  if (headers === undefined) return {};
  const { version, sequence, acknowledgements, ackRequested } = headers;
  return {
    reliable: version.name,
    sequence:
      sequence === undefined
        ? undefined
        : {
            id: sequence.id,
            number: sequence.number === 'beyond' ? Number.MAX_SAFE_INTEGER : sequence.number,
            ...(sequence.last ? { last: true as const } : {}),
          },
    acknowledgements:
      acknowledgements.length === 0
        ? undefined
        : acknowledgements.map(({ id, ranges, nacks, final }) => ({
            id,
            ranges: ranges.map(({ lower, upper }) => [lower, upper] as const),
            ...(nacks.length === 0 ? {} : { nacks }),
            ...(final ? { final: true as const } : {}),
          })),
    ackRequested: ackRequested.length === 0 ? undefined : ackRequested,
  };
}

type Reader = (version: ReliableVersion, message: Message) => Control;

const about =
  (kind: 'close' | 'closed' | 'terminate' | 'terminated', local: string): Reader =>
  (version, message) => {
    const { id, last } = readAboutSequence(version, message, local);
    return { kind, id, last };
  };

const controls: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['CreateSequence', (version, message) => ({ kind: 'create', offer: readCreateSequence(version, message).offer?.id })],
  [
    'CreateSequenceResponse',
    (version, message) => {
      const { id, accept } = readCreateSequenceResponse(version, message);
      return { kind: 'created', id, accepted: accept !== undefined };
    },
  ],
  ...(
    [
      ['CloseSequence', 'close'],
      ['CloseSequenceResponse', 'closed'],
      ['TerminateSequence', 'terminate'],
      ['TerminateSequenceResponse', 'terminated'],
    ] as const
  ).map(([local, kind]) => [local, about(kind, local)] as const),
]);

function controlOf(message: Message): Control | undefined {
  const content = payload(message);
  const version = reliableVersions.find(({ namespace }) => namespace === content?.namespace);
  const read = version && controls.get(content?.local ?? '');
  return version && read?.(version, message);
}
