/**
 * How much a service does at once, with the names and defaults of WCF's ServiceThrottlingBehavior: calls, sessions and
 * instances. Beyond a limit messages wait; a reliable session then tells its client to slow down, and nothing is lost.
 */
import { ServiceError } from './errors.ts';
import { Gate } from './gate.ts';

export interface ThrottleOptions {
  /** Operations at work at once; default 16 for each core. */
  readonly maxConcurrentCalls?: number;
  /** Sessions that have been handed to the service; default 100 for each core. */
  readonly maxConcurrentSessions?: number;
  /** Instances that live at once; default the sum of the two. */
  readonly maxConcurrentInstances?: number;
  /**
   * Sessions of one proven identity, which may hold the same share of the instances; default half of
   * `maxConcurrentSessions`, so that one client cannot keep out all others. (WCF has no such limit.)
   */
  readonly maxSessionsPerParty?: number;
  /** Messages that may wait when one without a session comes; it is then answered with a fault. Default 1000. */
  readonly maxWaiting?: number;
}

export type ThrottleSettings = Required<ThrottleOptions>;

/** @throws ServiceError `SERVICE_SETTING` */
export function throttleOf(options: ThrottleOptions, cores: number = navigator.hardwareConcurrency): ThrottleSettings {
  const maxConcurrentCalls = limit('maxConcurrentCalls', options.maxConcurrentCalls ?? 16 * cores);
  const maxConcurrentSessions = limit('maxConcurrentSessions', options.maxConcurrentSessions ?? 100 * cores);
  return Object.freeze({
    maxConcurrentCalls,
    maxConcurrentSessions,
    maxConcurrentInstances: limit(
      'maxConcurrentInstances',
      options.maxConcurrentInstances ?? maxConcurrentCalls + maxConcurrentSessions,
    ),
    maxSessionsPerParty: limit(
      'maxSessionsPerParty',
      options.maxSessionsPerParty ?? Math.ceil(maxConcurrentSessions / 2),
    ),
    maxWaiting: limit('maxWaiting', options.maxWaiting ?? 1_000),
  });
}

const MOST = 1_000_000;

function limit(name: keyof ThrottleOptions, value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= MOST) return value;
  throw new ServiceError('SERVICE_SETTING', `${name} is ${value}; it has to be a whole number from 1 to ${MOST}.`);
}

/** The gates of one service. */
export interface Throttle {
  readonly calls: Gate;
  readonly sessions: Gate;
  readonly instances: Gate;
}

export function throttle(settings: ThrottleSettings): Throttle {
  const { maxConcurrentSessions, maxConcurrentInstances, maxSessionsPerParty, maxWaiting } = settings;
  const share = Math.min(1, maxSessionsPerParty / maxConcurrentSessions);
  return {
    calls: new Gate({ places: settings.maxConcurrentCalls, maxWaiting }),
    sessions: new Gate({ places: maxConcurrentSessions, perParty: maxSessionsPerParty, maxWaiting }),
    instances: new Gate({
      places: maxConcurrentInstances,
      perParty: Math.ceil(maxConcurrentInstances * share),
      maxWaiting,
    }),
  };
}
