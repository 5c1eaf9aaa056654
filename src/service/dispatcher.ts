/**
 * The top of the way up: routes by action, checks that every mandatory header was understood by some layer, reads the
 * body, calls the implementation, and writes what it returns or throws.
 */
import { type Clock, systemClock } from '../base/clock.ts';
import { diagnostics } from '../base/diagnostics.ts';
import { asError, SurewireError } from '../base/errors.ts';
import { abortable, deadline } from '../base/signals.ts';
import type { Carry, Delivery } from '../channel/delivery.ts';
import { addressingOf } from '../soap/addressing.ts';
import { message, payload, requireUnderstood } from '../soap/envelope.ts';
import { SoapError } from '../soap/errors.ts';
import { type Fault, FaultError, faultReply } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { XmlWriter } from '../xml/write.ts';
import type { Contract, Operation, Operations, ReplyOf, RequestOf } from './contract.ts';
import { OperationFault, ServiceError } from './errors.ts';

/** What an implementation may ask about the call it serves. */
export interface CallContext {
  /** Fires when the operation's time is up or the host stops. */
  readonly signal: AbortSignal;
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
  /** Milliseconds an operation may take; default 60,000. */
  readonly timeout?: number;
  readonly clock?: Clock;
}

const publish = diagnostics('service');

/**
 * An up-arrow that serves `of` with `implementation`. It never rejects: whatever goes wrong becomes a fault, and what an
 * implementation throws that the contract does not declare is told to nobody but the diagnostics channel
 * `surewire:service`.
 *
 * @param implementation a function for each operation: its request and a context (signal, delivery with evidence and peer)
 * @returns what `host` and `listen` take as `receive`
 */
export function dispatcher<O extends Operations>(
  of: Contract<O>,
  implementation: Implementation<Contract<O>>,
  options: DispatcherOptions = {},
): Carry {
  const { timeout = 60_000, clock = systemClock } = options;
  const byAction = new Map([...of.operations.values()].map((operation) => [operation.action, operation]));
  const functions = new Map<string, (request: unknown, context: CallContext) => unknown>(
    Object.entries(implementation),
  );

  return async (trip) => {
    const request = trip.message;
    const operation = byAction.get(request.action);
    const limit = deadline(
      clock,
      timeout,
      trip.signal,
      () => new ServiceError('SERVICE_TIMEOUT', `${request.action} took longer than ${timeout} ms.`),
    );
    try {
      // SOAP 1.1 section 4.2.3, SOAP 1.2 part 1 section 2.4: what no layer consumed was understood by no one.
      requireUnderstood(request);
      if (operation === undefined) throw new FaultError(unknownAction(request));
      const value = readRequest(operation, request);
      const serve = functions.get(operation.name);
      if (serve === undefined) throw new ServiceError('SERVICE_CONTRACT', `Nothing implements ${operation.name}.`);
      const result = await abortable(
        Promise.resolve(serve(value, { signal: limit.signal, delivery: trip })),
        limit.signal,
      );
      return operation.reply === undefined ? undefined : trip.carrying(replyMessage(operation, request, result));
    } catch (thrown) {
      publish(() => ({ event: 'operation.failed', action: request.action, error: asError(thrown) }));
      if (operation !== undefined && operation.reply === undefined) return undefined;
      return trip.carrying(faultMessage(operation, request, thrown));
    } finally {
      limit.clear();
    }
  };
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
  return faultReply(request, {
    code: 'receiver',
    reason: 'The service failed while it processed the message. The operator finds the reason in the diagnostics.',
  });
}
