/**
 * Instances of a service: made for each call, for each session, or once (WCF's InstanceContextMode), and how many calls
 * one of them serves at a time (WCF's ConcurrencyMode). What an instance keeps in its fields, or in the closure of its
 * functions, is the state of that call, session or service.
 */
import type { Session } from '../channel/session.ts';

/** How many calls an instance serves at a time; `reentrant`: one, and another while that one waits in `context.outside`. */
export type Concurrency = 'single' | 'multiple' | 'reentrant';

type InstanceMode = 'per-call' | 'per-session' | 'single';

/** What an instance is made for. */
export interface InstanceStart {
  /** The session that it is made for, where the call is part of one. An instance of a whole service knows none. */
  readonly session: Session | undefined;
  /** Fires when making it takes longer than an operation may. */
  readonly signal: AbortSignal;
}

/**
 * Makes an instance. When it throws, the call is answered with a fault and the next call tries again. An instance that has
 * `Symbol.asyncDispose` or `Symbol.dispose` is disposed of when its call, its session or the service has ended.
 */
export type Create<I> = (start: InstanceStart) => I | Promise<I>;

export interface InstanceOptions {
  /** Default `single`, as in WCF. */
  readonly concurrency?: Concurrency;
}

/** What `dispatcher` is given instead of an object that serves all calls; made with `perCall`, `perSession` or `oneInstance`. */
export class Instances<I> {
  readonly mode: InstanceMode;
  readonly concurrency: Concurrency;
  readonly create: Create<I>;
  /** True when the service makes them, and so disposes of them. */
  readonly isOwner: boolean;

  constructor(mode: InstanceMode, concurrency: Concurrency, create: Create<I>, isOwner = true) {
    this.mode = mode;
    this.concurrency = concurrency;
    this.create = create;
    this.isOwner = isOwner;
  }
}

/**
 * A new instance for each call, gone after it.
 *
 * @param create makes it; may be asynchronous, and may reject
 */
export function perCall<I>(create: Create<I>): Instances<I> {
  return new Instances('per-call', 'multiple', create);
}

/**
 * An instance for each session, made with its first call and gone when the session has ended, well or badly; a call
 * without a session gets one of its own.
 *
 * @param create makes it; for a session that an earlier process began (`session.isContinued`) it takes up what that process
 * has stored
 *
 * @example
 * dispatcher(shop, perSession(() => {
 *   const lines: Line[] = [];
 *   return { add: (line) => lines.push(line), checkout: () => ({ total: totalOf(lines) }) };
 * }));
 */
export function perSession<I>(create: Create<I>, { concurrency = 'single' }: InstanceOptions = {}): Instances<I> {
  return new Instances('per-session', concurrency, create);
}

/** One instance for all calls, made with the first one and gone when the host is closed. */
export function oneInstance<I>(create: Create<I>, { concurrency = 'single' }: InstanceOptions = {}): Instances<I> {
  return new Instances('single', concurrency, create);
}
