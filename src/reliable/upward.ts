/** A session of the acceptor as the layers above see it: who opened it, and when it is over (the port is channel/session). */
import type { Session } from '../channel/session.ts';
import { anonymous } from '../security/evidence.ts';
import type { DestinationEnd } from './destination-state.ts';
import { ReliableError, type ReliableErrorCode } from './errors.ts';
import type { AcceptorRecord } from './record.ts';

const codes: Readonly<Record<Exclude<DestinationEnd, 'completed'>, ReliableErrorCode>> = {
  inactive: 'RELIABLE_INACTIVE',
  idle: 'RELIABLE_INACTIVE',
  expired: 'RELIABLE_EXPIRED',
  faulted: 'RELIABLE_TERMINATED',
};

export class UpwardSession implements Session {
  readonly id: string;
  readonly party: string | undefined;
  readonly isContinued: boolean;
  readonly ended: Promise<Error | undefined>;
  readonly #end: (reason: Error | undefined) => void;

  /** @param isResumed true when the record comes from the store */
  constructor({ identity, receipt }: AcceptorRecord, isResumed: boolean) {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.id = receipt.id;
    this.party = identity === anonymous ? undefined : identity;
    this.isContinued = isResumed && receipt.delivered.length > 0;
    this.ended = promise;
    this.#end = resolve;
  }

  /** Nothing more comes: the sequence is over, or this process lets go of it (`undefined`). Only the first call counts. */
  end(how: DestinationEnd | undefined): void {
    const isGood = how === undefined || how === 'completed';
    this.#end(isGood ? undefined : new ReliableError(codes[how], `The session ended: ${how}.`));
  }
}
