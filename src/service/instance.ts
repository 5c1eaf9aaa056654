/**
 * The life of one instance: made when it is first wanted, entered by as many calls as its concurrency allows, and disposed
 * of once when the last call has left it.
 */
import type { Clock } from '../base/clock.ts';
import { diagnostics, type Publish } from '../base/diagnostics.ts';
import { asError } from '../base/errors.ts';
import { abortable, deadline } from '../base/signals.ts';
import type { Session } from '../channel/session.ts';
import { ServiceError } from './errors.ts';
import { Gate, type Leave } from './gate.ts';
import type { InstanceStart, Instances } from './instances.ts';

/** `surewire:service`: calls that failed, and the lives of instances. */
export const publish: Publish = diagnostics('service');

/** What a dispatcher is told of time and limits. */
export interface Patience {
  readonly clock: Clock;
  /** Milliseconds that an operation, or the end of an instance, may take. */
  readonly timeout: number;
  readonly maxWaiting: number;
}

export class Instance<I extends object> {
  readonly #of: Instances<I>;
  readonly #session: Session | undefined;
  readonly #patience: Patience;
  readonly #turns: Gate | undefined;
  readonly #inside = new Set<Promise<void>>();
  #made: Promise<I> | undefined;
  #disposed: Promise<void> | undefined;

  /** @param session the one that it belongs to */
  constructor(of: Instances<I>, session: Session | undefined, patience: Patience) {
    this.#of = of;
    this.#session = session;
    this.#patience = patience;
    this.#turns = of.concurrency === 'multiple' ? undefined : new Gate({ places: 1, maxWaiting: patience.maxWaiting });
  }

  /** Waits for a turn, which `Leave` ends. */
  async enter(...by: Parameters<Gate['enter']>): Promise<Leave> {
    const leave = await this.#turns?.enter(...by);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#inside.add(promise);
    return () => {
      leave?.();
      this.#inside.delete(promise);
      resolve();
    };
  }

  /** The object itself, made by the first who asks; whoever asks after that failed makes it again. */
  object(signal: AbortSignal): Promise<I> {
    if (this.#made !== undefined) return this.#made;
    const making = this.#make({ session: this.#session, signal });
    this.#made = making;
    making.catch((thrown: unknown) => {
      this.#made = undefined;
      publish(() => ({ event: 'instance.failed', session: this.#session?.id, error: asError(thrown) }));
    });
    return making;
  }

  /** Waits until every call has left, and disposes of what was made. Never rejects; idempotent. */
  dispose(): Promise<void> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #make(start: InstanceStart): Promise<I> {
    const made = await this.#of.create(start);
    if (this.#of.isOwner) publish(() => ({ event: 'instance.created', session: this.#session?.id }));
    return made;
  }

  async #dispose(): Promise<void> {
    const { clock, timeout } = this.#patience;
    const tooLong = `The end of an instance took longer than ${timeout} ms.`;
    const limit = deadline(clock, timeout, undefined, () => new ServiceError('SERVICE_TIMEOUT', tooLong));
    try {
      await abortable(this.#end(), limit.signal);
    } catch (thrown) {
      publish(() => ({ event: 'instance.failed', session: this.#session?.id, error: asError(thrown) }));
    } finally {
      limit.clear();
    }
  }

  async #end(): Promise<void> {
    while (this.#inside.size > 0) await Promise.all(this.#inside);
    if (!this.#of.isOwner) return;
    const made: Partial<AsyncDisposable & Disposable> | undefined = await this.#made?.catch(() => undefined);
    if (made === undefined) return;
    if (made[Symbol.asyncDispose] !== undefined) await made[Symbol.asyncDispose]?.();
    else made[Symbol.dispose]?.();
    publish(() => ({ event: 'instance.disposed', session: this.#session?.id }));
  }
}
