/**
 * Finds each call its place: lets its session in, finds or makes the instance that serves it, waits for its turn there and
 * then for its part of the machine, so that whoever waits for an instance holds nothing that others need.
 *
 * | instances   | in a session             | without                |
 * |-------------|--------------------------|------------------------|
 * | per session | one for the session      | one for the call       |
 * | per call    | one for the call         | one for the call       |
 * | single      | the one                  | the one                |
 */
import { abortable } from '../base/signals.ts';
import type { Delivery } from '../channel/delivery.ts';
import { handling } from '../channel/handling.ts';
import { type Session, session as sessionOf } from '../channel/session.ts';
import type { Operation } from './contract.ts';
import { ServiceError } from './errors.ts';
import type { Gate, Leave } from './gate.ts';
import { Instance, type Patience } from './instance.ts';
import type { Instances } from './instances.ts';
import { Member } from './member.ts';
import { Stay } from './stay.ts';
import type { Throttle } from './throttle.ts';

/** A call's place. */
export interface Place<I> {
  readonly session: Session | undefined;
  /** The instance that serves the call. */
  object(signal: AbortSignal): Promise<I>;
  /** Runs `work` outside of a re-entrant instance, and comes back; elsewhere just runs it. */
  outside<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Gives the place back, once the reply is made. */
  leave(): void;
}

export class Placement<I extends object> {
  readonly #instances: Instances<I>;
  readonly #throttle: Throttle;
  readonly #patience: Patience;
  /** The one instance of the service, where it has only one. */
  readonly #only: Instance<I> | undefined;
  /** Every session that is still known below, those that have ended here too: what comes late is refused. */
  readonly #known = new WeakMap<Session, Member<I>>();
  readonly #living = new Set<Member<I>>();
  readonly #ending = new Set<Promise<void>>();
  #isOver = false;

  constructor(instances: Instances<I>, throttle: Throttle, patience: Patience) {
    this.#instances = instances;
    this.#throttle = throttle;
    this.#patience = patience;
    this.#only = instances.mode === 'single' ? new Instance(instances, undefined, patience) : undefined;
  }

  /** @throws FaultError for a call out of turn, ServiceError `SERVICE_BUSY`, and the reason of the delivery's signal */
  async enter(operation: Operation, trip: Delivery): Promise<Place<I>> {
    if (this.#isOver) throw new ServiceError('SERVICE_BUSY', 'The service has ended.', { transient: true });
    const { signal } = trip;
    const session = trip.get(sessionOf);
    const handler = trip.get(handling);
    const member = session === undefined ? undefined : this.#member(session);
    if (member !== undefined) await abortable(member.admitted, signal);
    const { instance, release } = await this.#instanceFor(member, [signal, session, false, handler]);
    const stay = new Stay((within, isBack) => this.#inside(instance, [within, session, isBack, handler]));
    try {
      await stay.begin(signal);
      member?.take(operation);
    } catch (thrown) {
      stay.end();
      release();
      throw thrown;
    }
    return {
      session,
      object: async (within) => {
        const made = await abortable(instance.object(within), within);
        if (operation.initiating) member?.begun();
        return made;
      },
      outside: (work, within) => (this.#instances.concurrency === 'reentrant' ? stay.outside(work, within) : work()),
      leave: () => {
        stay.end();
        release();
        if (operation.terminating && member !== undefined) this.#end(member);
      },
    };
  }

  /** Nothing new will come: lets in the sessions that wait, because those inside may never end. */
  drain(): void {
    this.#throttle.sessions.open();
    this.#throttle.instances.open();
  }

  /** Ends every session and every instance. Never rejects. */
  async dispose(): Promise<void> {
    this.#isOver = true;
    for (const member of this.#living) this.#end(member);
    await this.#only?.dispose();
    while (this.#ending.size > 0) await Promise.all(this.#ending);
  }

  #member(session: Session): Member<I> {
    const known = this.#known.get(session);
    if (known !== undefined) return known;
    const { sessions, instances } = this.#throttle;
    const isOwn = this.#instances.mode === 'per-session';
    const instance = isOwn ? new Instance(this.#instances, session, this.#patience) : undefined;
    const member = new Member(session, instance, isOwn ? [sessions, instances] : [sessions]);
    this.#known.set(session, member);
    this.#living.add(member);
    void session.ended.then(() => this.#end(member));
    return member;
  }

  #end(member: Member<I>): void {
    this.#living.delete(member);
    this.#track(member.end());
  }

  #track(end: Promise<void>): void {
    const tracked = end.finally(() => this.#ending.delete(tracked));
    this.#ending.add(tracked);
  }

  async #instanceFor(
    member: Member<I> | undefined,
    by: Parameters<Gate['enter']>,
  ): Promise<{ readonly instance: Instance<I>; readonly release: () => void }> {
    const standing = this.#only ?? member?.instance;
    if (standing !== undefined) return { instance: standing, release: () => undefined };
    const leave = await this.#throttle.instances.enter(...by);
    const instance = new Instance(this.#instances, by[1], this.#patience);
    return { instance, release: () => this.#track(instance.dispose().then(leave)) };
  }

  async #inside(instance: Instance<I>, by: Parameters<Gate['enter']>): Promise<Leave> {
    const turn = await instance.enter(...by);
    try {
      const call = await this.#throttle.calls.enter(...by);
      return () => {
        call();
        turn();
      };
    } catch (thrown) {
      turn();
      throw thrown;
    }
  }
}
