/** On what terms a duplex end sends and receives: those of its settings, as far as they are for its side. */
import type { DeliveryAssurance } from '../destination-state.ts';
import type { Transmission } from '../ledger.ts';
import { assuranceOf, transmissionOf } from '../settings.ts';
import type { DuplexInit } from './ends.ts';

export interface Terms {
  /** For what it sends. */
  readonly policy: Transmission;
  /** For what it receives. */
  readonly assurance: DeliveryAssurance;
}

export function termsOf({ side, settings, version }: Pick<DuplexInit, 'side' | 'settings' | 'version'>): Terms {
  const transmission = transmissionOf(settings, version, 'timer');
  const givesUp = side === 'initiator' ? transmission.givesUp : 'fault';
  const policy: Transmission = { ...transmission, givesUp, acknowledgements: 'delayed' };
  // Only whoever serves may say how long it waits to be asked something.
  const { receiveTimeout } = side === 'acceptor' ? settings : { receiveTimeout: Number.POSITIVE_INFINITY };
  const assurance = { ...assuranceOf(settings), receiveTimeout, overtaking: true };
  // What stands still when nothing is heard is this end's source, with everything.
  const inactivityTimeout = givesUp === 'fault' ? assurance.inactivityTimeout : Number.POSITIVE_INFINITY;
  return { policy, assurance: { ...assurance, inactivityTimeout } };
}
