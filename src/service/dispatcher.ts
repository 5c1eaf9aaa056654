/**
 * The top of the way up: routes by action, checks that every mandatory header was understood by some layer, finds the call
 * its place, reads the body, calls the implementation, and writes what it returns or throws.
 */
import { type Clock, systemClock } from '../base/clock.ts';
import { asError, hasCode, SurewireError } from '../base/errors.ts';
import { abortable, deadline } from '../base/signals.ts';
import type { Delivery } from '../channel/delivery.ts';
import { handling } from '../channel/handling.ts';
import { type Session, session as sessionOf } from '../channel/session.ts';
import { addressingOf } from '../soap/addressing.ts';
import { addressingFault } from '../soap/addressing-faults.ts';
import { addressing200508 } from '../soap/addressing-versions.ts';
import { message, payload, requireUnderstood } from '../soap/envelope.ts';
import { SoapError } from '../soap/errors.ts';
import { type Fault, FaultError, faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { XmlWriter } from '../xml/write.ts';
import type { Contract, Operation, Operations, ReplyOf, RequestOf, SessionMode } from './contract.ts';
import { OperationFault, ServiceError } from './errors.ts';
import { publish } from './instance.ts';
import { Instances } from './instances.ts';
import { type Place, Placement } from './placement.ts';
import { type ThrottleOptions, throttle, throttleOf } from './throttle.ts';

/** What an implementation may ask about the call it serves. */
export interface CallContext {
  /** Fires when the operation's time is up or the host stops; from then on nothing keeps others out of the instance. */
  readonly signal: AbortSignal;
  /** The session that the call is part of. */
  readonly session: Session | undefined;
  /**
   * Runs `work` while others may enter a `reentrant` instance, and comes back before it settles: for calls to a service that
   * may call this one. In instances of another concurrency it just runs.
   */
  outside<T>(work: () => Promise<T>): Promise<T>;
  /** The delivery with everything the layers below have learned: evidence, peer, … */
  readonly delivery: Delivery;
}

/** What implements a contract: a function for each operation. */
export type Implementation<C> =
  C extends Contract<infer O>
    ? {
        readonly [K in keyof O]: (request: RequestOf<O[K]>, context: CallContext) => Answered<ReplyOf<O[K]>>;
      }
    : never;
/** What a function may return: its reply, now or later; anything where there is none, because it goes nowhere. */
type Answered<Reply> = [Reply] extends [undefined] ? unknown : Promise<Reply> | Reply;

export interface DispatcherOptions {
  /** Milliseconds an operation may take from when it begins; default 60,000. */
  readonly timeout?: number;
  readonly clock?: Clock;
  /** How much is done at once; the rest waits. */
  readonly throttle?: ThrottleOptions;
}

/** The up-arrow that a dispatcher is. The host that is given it disposes of it, and with it of its instances. */
export interface Service extends AsyncDisposable {
  (delivery: Delivery): Promise<Delivery | undefined>;
  /** What its contract says of sessions. */
  readonly session: SessionMode;
  /** Called when nothing new will come: sessions that wait for others to end are let in, so that all can end. */
  drain(): void;
}

/**
 * An up-arrow that serves `of` with `implementation`. It never rejects: whatever goes wrong becomes a fault, and what an
 * implementation throws that the contract does not declare is told to nobody but the diagnostics channel
 * `surewire:service`.
 *
 * @param implementation a function for each operation: its request and a context (signal, session, delivery with evidence
 * and peer); or how instances with such functions are made: `perSession`, `perCall`, `oneInstance`. An object that is given
 * serves all calls, many at a time, and stays its giver's.
 * @returns what `host` and `listen` take as `receive`
 * @throws ServiceError `SERVICE_SETTING`
 */
export function dispatcher<O extends Operations>(
  of: Contract<O>,
  implementation: Implementation<Contract<O>> | Instances<Implementation<Contract<O>>>,
  options: DispatcherOptions = {},
): Service {
  const { timeout = 60_000, clock = systemClock } = options;
  const limits = throttleOf(options.throttle ?? {});
  const byAction = new Map([...of.operations.values()].map((operation) => [operation.action, operation]));
  const instances = implementation instanceof Instances ? implementation : standing(implementation);
  const placement = new Placement(instances, throttle(limits), { clock, timeout, maxWaiting: limits.maxWaiting });

  const receive = async (trip: Delivery): Promise<Delivery | undefined> => {
    const request = trip.message;
    const operation = request.action === '' ? byBody(of, request) : byAction.get(request.action);
    let place: Place<object> | undefined;
    try {
      // SOAP 1.1 section 4.2.3, SOAP 1.2 part 1 section 2.4: what no layer consumed was understood by no one.
      requireUnderstood(request);
      if (operation === undefined) throw new FaultError(unknownAction(request));
      requireSession(of.session, trip.get(sessionOf));
      const enter = () => placement.enter(operation, trip);
      place = await (trip.get(handling)?.waiting('turn', enter) ?? enter());
      const result = await served(operation, trip, place, { timeout, clock });
      return operation.reply === undefined ? undefined : trip.carrying(replyMessage(operation, request, result));
    } catch (thrown) {
      publish(() => ({ event: 'operation.failed', action: request.action, error: asError(thrown) }));
      // A sender that expects nothing is told of this alone: its message did not reach the service.
      const isHeard = hasCode(thrown, 'SERVICE_BUSY') || operation?.reply !== undefined;
      if (operation !== undefined && !isHeard) return undefined;
      return trip.carrying(faultMessage(operation, request, thrown));
    } finally {
      place?.leave();
    }
  };
  return Object.freeze(
    Object.assign(receive, {
      session: of.session,
      drain: () => placement.drain(),
      [Symbol.asyncDispose]: () => placement.dispose(),
    }),
  );
}

/** An object that is there already, without its end: that is its owner's. */
function standing<I extends object>(implementation: I): Instances<object> {
  return new Instances<object>('single', 'multiple', () => implementation, false);
}

/** Calls the operation in its place, which is given back when its time is up, whatever it still does. */
async function served(
  operation: Operation,
  trip: Delivery,
  place: Place<object>,
  { timeout, clock }: Required<Pick<DispatcherOptions, 'timeout' | 'clock'>>,
): Promise<unknown> {
  const tooLong = `${operation.action} took longer than ${timeout} ms.`;
  const limit = deadline(clock, timeout, trip.signal, () => new ServiceError('SERVICE_TIMEOUT', tooLong));
  const { signal } = limit;
  try {
    const value = readRequest(operation, trip.message);
    const instance = await place.object(signal);
    const serve: unknown = Reflect.get(instance, operation.name);
    if (typeof serve !== 'function') {
      throw new ServiceError('SERVICE_CONTRACT', `Nothing implements ${operation.name}.`);
    }
    const context: CallContext = {
      signal,
      session: place.session,
      delivery: trip,
      outside: (work) => place.outside(work, signal),
    };
    const result: unknown = serve.call(instance, value, context);
    return await abortable(Promise.resolve(result), signal);
  } finally {
    limit.clear();
  }
}

/** @throws FaultError where the contract wants a session that is not there, or none where one is */
function requireSession(mode: SessionMode, session: Session | undefined): void {
  if (mode === 'required' && session === undefined) {
    throw new FaultError({ code: 'sender', reason: 'The contract of this service requires a session.' });
  }
  if (mode === 'not-allowed' && session !== undefined) {
    throw new FaultError({ code: 'sender', reason: 'The contract of this service allows no sessions.' });
  }
}

/**
 * The operation of a message without an action, as one is whose action nothing proves: the only one that takes this body
 * (WS-I Basic Profile 1.2 R2710: operation signatures differ).
 */
function byBody<O extends Operations>(of: Contract<O>, request: Message): Operation | undefined {
  const body = payload(request);
  const [operation, another] = [...of.operations.values()].filter((one) => body?.is(one.namespace, one.element));
  return another === undefined ? operation : undefined;
}

function unknownAction(request: Message): Fault {
  const addressing = addressingOf(request);
  const reason = `The action "${request.action}" is not one of this endpoint. Check that client and service use the same contract.`;
  return addressing === undefined
    ? { code: 'sender', reason }
    : { code: 'sender', subcode: { namespace: addressing.version.namespace, local: 'ActionNotSupported' }, reason };
}

function readRequest(operation: Operation, request: Message): unknown {
  const body = payload(request);
  if (body === undefined || !body.is(operation.namespace, operation.element)) {
    throw new FaultError({
      code: 'sender',
      reason: `The body of ${operation.action} must hold <${operation.element}> of ${operation.namespace}.`,
    });
  }
  try {
    return operation.request.read(body, operation.namespace);
  } catch (thrown) {
    if (!(thrown instanceof SurewireError)) throw thrown;
    throw new FaultError({ code: 'sender', reason: thrown.message });
  }
}

function replyMessage(operation: Operation, request: Message, result: unknown): Message {
  const { reply } = operation;
  if (reply === undefined) throw new ServiceError('SERVICE_CONTRACT', `${operation.name} is one-way.`);
  const writer = new XmlWriter().start(operation.namespace, reply.element, '');
  reply.shape.write(writer, result, operation.namespace);
  return message({ version: request.version, action: reply.action, body: [writer.end().finish()] });
}

function faultMessage(operation: Operation | undefined, request: Message, thrown: unknown): Message {
  if (thrown instanceof SoapError && thrown.fault !== undefined) return faultReply(request, thrown.fault);
  if (thrown instanceof OperationFault && operation !== undefined) {
    const shape = operation.faults.get(thrown.fault);
    if (shape !== undefined) {
      const writer = new XmlWriter().start(operation.namespace, thrown.fault, '');
      shape.write(writer, thrown.detail, operation.namespace);
      return faultReply(
        request,
        { code: 'sender', reason: thrown.message, detail: [writer.end().finish()] },
        { action: operation.faultAction(thrown.fault) },
      );
    }
  }
  if (hasCode(thrown, 'SERVICE_BUSY')) {
    const { version } = addressingOf(request) ?? { version: addressing200508 };
    return faultReply(
      request,
      addressingFault(version, 'endpointUnavailable', 'The service is busy. Try again later.'),
    );
  }
  return faultReply(request, {
    code: 'receiver',
    reason: 'The service failed while it processed the message. The operator finds the reason in the diagnostics.',
  });
}
