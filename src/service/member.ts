/**
 * One session at a service: let in once, begun by an initiating operation, over with a terminating one or with the session
 * itself, and then its instance and its places are given back.
 */
import type { Session } from '../channel/session.ts';
import { FaultError } from '../soap/fault.ts';
import type { Operation } from './contract.ts';
import { ServiceError } from './errors.ts';
import type { Gate, Leave } from './gate.ts';
import type { Instance } from './instance.ts';

type Phase = 'fresh' | 'begun' | 'over';

export class Member<I extends object> {
  readonly session: Session;
  /** The instance that serves all of its calls, where there is one for each session. */
  readonly instance: Instance<I> | undefined;
  /** Settles once it has its places; rejects when it ends before. */
  readonly admitted: Promise<void>;
  readonly #end = new AbortController();
  readonly #places: Leave[] = [];
  #phase: Phase;
  #ended: Promise<void> | undefined;

  /** @param gates that it has to pass, in this order */
  constructor(session: Session, instance: Instance<I> | undefined, gates: readonly Gate[]) {
    this.session = session;
    this.instance = instance;
    this.#phase = session.isContinued ? 'begun' : 'fresh';
    this.admitted = this.#admit(gates);
    this.admitted.catch(() => undefined);
  }

  /**
   * Takes a call, when it is one's turn: what may begin, what follows, nothing after the end.
   *
   * @throws FaultError
   */
  take({ action, initiating, terminating }: Operation): void {
    if (this.#phase === 'over') {
      throw new FaultError({ code: 'sender', reason: `The session has ended: ${action} comes too late.` });
    }
    if (this.#phase === 'fresh' && !initiating) {
      throw new FaultError({ code: 'sender', reason: `A session cannot begin with ${action}.` });
    }
    if (terminating) this.#phase = 'over';
  }

  /** An initiating operation has its instance: others may follow. */
  begun(): void {
    if (this.#phase === 'fresh') this.#phase = 'begun';
  }

  /** Refuses everything, waits for the calls under way, and gives everything back. Never rejects; idempotent. */
  end(): Promise<void> {
    this.#ended ??= this.#finish();
    return this.#ended;
  }

  async #admit(gates: readonly Gate[]): Promise<void> {
    for (const gate of gates) this.#places.push(await gate.enter(this.#end.signal, this.session));
  }

  async #finish(): Promise<void> {
    this.#phase = 'over';
    this.#end.abort(new ServiceError('SERVICE_SESSION', 'The session ended before it was let in.'));
    await this.instance?.dispose();
    await this.admitted.catch(() => undefined);
    for (const leave of this.#places) leave();
  }
}
