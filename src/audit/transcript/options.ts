/** What a recorder can be told, and its limits. */
import { type Clock, systemClock } from '../../base/clock.ts';
import { AuditError } from '../errors.ts';
import type { PayloadChoice } from './payload.ts';
import type { Secret } from './strike.ts';

export interface RecorderOptions {
  /** The file; parts that are full stand beside it with a number, `FILE.0001` first. */
  readonly file: string;
  /** What becomes of payloads; default: they are kept. */
  readonly payloads?: PayloadChoice;
  /** Elements of the application that are struck out besides passwords and secrets, and are taken to be guessable. */
  readonly strike?: readonly Pick<Secret, 'namespace' | 'local'>[];
  /** Octets of one part; a part ends with the first record that goes beyond it. */
  readonly maxPartBytes?: number;
  /** Parts beside the file; when there are as many, recording stops, and with it what is recorded. */
  readonly maxParts?: number;
  /** Octets that wait to be written; who records then waits. */
  readonly maxWaitingBytes?: number;
  readonly clock?: Clock;
  /** Name of what the records were read from, where they are imported. */
  readonly imported?: string;
}

export type RecorderSettings = Required<Omit<RecorderOptions, 'imported'>> & Pick<RecorderOptions, 'imported'>;

/** @throws AuditError `AUDIT_OPTIONS` for limits that are not positive and finite */
export function recorderSettings(options: RecorderOptions): RecorderSettings {
  const settings = {
    payloads: 'kept' as const,
    strike: [],
    maxPartBytes: 268_435_456,
    maxParts: 999,
    maxWaitingBytes: 67_108_864,
    clock: systemClock,
    ...options,
  };
  for (const limit of ['maxPartBytes', 'maxParts', 'maxWaitingBytes'] as const) {
    if (Number.isFinite(settings[limit]) && settings[limit] > 0) continue;
    throw new AuditError('AUDIT_OPTIONS', `${limit} is ${settings[limit]}. Give a positive finite number.`);
  }
  return settings;
}
