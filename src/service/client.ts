/** A typed client: one method for each operation of a contract, above whatever channel it is given. */
import { type Clock, systemClock } from '../base/clock.ts';
import { abortable, deadline } from '../base/signals.ts';
import type { Channel } from '../channel/channel.ts';
import { expectsReply } from '../channel/correlation.ts';
import { delivery } from '../channel/delivery.ts';
import { Entering } from '../channel/entering.ts';
import { message, payload } from '../soap/envelope.ts';
import { FaultError, faultOf } from '../soap/fault.ts';
import type { Message } from '../soap/message.ts';
import { type SoapVersion, soap12 } from '../soap/version.ts';
import { XmlWriter } from '../xml/write.ts';
import type { Contract, Operation, Operations, ReplyOf, RequestOf } from './contract.ts';
import { OperationFault, ServiceError } from './errors.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds to wait for the outcome once the channel is open; default: that of the client. */
  readonly timeout?: number;
}

export interface ClientOptions {
  /** Default: that of the channel's binding, else SOAP 1.2. */
  readonly version?: SoapVersion;
  /** Milliseconds a call may take once the channel is open; default: SendTimeout of the channel's binding, else 60,000 as in WCF. */
  readonly timeout?: number;
  readonly clock?: Clock;
}

/** The operations of a contract as methods. */
export type Calls<C> =
  C extends Contract<infer O>
    ? { readonly [K in keyof O]: (request: RequestOf<O[K]>, options?: CallOptions) => Promise<ReplyOf<O[K]>> }
    : never;

export interface Life extends AsyncDisposable {
  /** Opens the channel now instead of with the first call. */
  open(signal?: AbortSignal): Promise<void>;
  close(signal?: AbortSignal): Promise<void>;
  abort(reason: Error): void;
}

/**
 * The operations of a contract as methods that send through a channel.
 *
 * @param channel from `connect`; the first call opens it, and it is the client's to close
 * @returns an object with a method for each operation, and `open`, `close`, `abort`
 *
 * A call rejects with {@link OperationFault} for a fault the contract declares, `FaultError` for any other fault, and
 * ServiceError `SERVICE_TIMEOUT`, `SERVICE_NO_REPLY`, `SERVICE_REPLY`, `SERVICE_SHAPE` or `SERVICE_SESSION` (one that cannot
 * begin a session came first, or one came after a terminating one), and with what `open` and `send` of the channel reject with (see the layers: `reliableSession`, `security`, `httpTransport`).
 *
 * @example
 * await using calls = client(orders, connect(via, new URL('https://orders.example/soap')));
 * const { number } = await calls.place({ sku: 'A-1' }, { timeout: 5_000 });
 */
export function client<O extends Operations>(
  of: Contract<O>,
  channel: Channel,
  options: ClientOptions = {},
): Calls<Contract<O>> & Life {
  const { version = channel.soap ?? soap12, timeout = channel.sendTimeout ?? 60_000, clock = systemClock } = options;
  let session: 'fresh' | 'begun' | 'over' = 'fresh';
  /** Calls whose messages the channel does not have yet. */
  const entering = new Entering();
  const calls = [...of.operations.values()].map((operation) => [
    operation.name,
    async (request: unknown, call: CallOptions = {}): Promise<unknown> => {
      const asked = requestMessage(operation, version, request);
      requireTurn(operation, session);
      session = operation.terminating ? 'over' : 'begun';
      const given = entering.one();
      const allowed = call.timeout ?? timeout;
      let limit: ReturnType<typeof deadline> | undefined;
      try {
        // Opening has a time limit of its own, and says better why it failed.
        await channel.open(call.signal);
        limit = deadline(clock, allowed, call.signal, () => timedOut(operation, allowed));
        const trip = delivery(asked, limit.signal);
        const sent = channel.send(trip.with(expectsReply, operation.reply !== undefined));
        given();
        const answer = await abortable(sent, limit.signal);
        return outcome(operation, answer?.message);
      } finally {
        given();
        limit?.clear();
        // The end of the session is not the outcome of the call: `close` tells of it.
        if (operation.terminating) channel.close().catch(() => undefined);
      }
    },
  ]);
  // Calls that were made before are part of what is closed; none is made after.
  const close = async (signal?: AbortSignal): Promise<void> => {
    session = 'over';
    await entering.gone(signal);
    await channel.close(signal);
  };
  const life: Life = {
    open: (signal) => channel.open(signal),
    close,
    abort: (reason) => channel.abort(reason),
    [Symbol.asyncDispose]: () => close(),
  };
  return Object.freeze(Object.assign(Object.fromEntries(calls), life)) as Calls<Contract<O>> & Life;
}

/** @throws ServiceError `SERVICE_SESSION` */
function requireTurn({ name, initiating }: Operation, session: 'fresh' | 'begun' | 'over'): void {
  if (session === 'over') {
    throw new ServiceError('SERVICE_SESSION', `The session has ended: ${name} comes too late. Connect again.`);
  }
  if (session === 'fresh' && !initiating) {
    throw new ServiceError(
      'SERVICE_SESSION',
      `A session cannot begin with ${name}. Call an initiating operation first.`,
    );
  }
}

function timedOut(operation: Operation, milliseconds: number): ServiceError {
  return new ServiceError(
    'SERVICE_TIMEOUT',
    `No outcome of ${operation.name} within ${milliseconds} ms. Over a reliable session the message may still arrive; ` +
      'ask the service, or give the call a longer timeout.',
    { transient: true },
  );
}

/** The body element `{namespace}element` with a value of `shape` in it. */
function requestMessage(operation: Operation, version: SoapVersion, value: unknown): Message {
  const writer = new XmlWriter().start(operation.namespace, operation.element, '');
  operation.request.write(writer, value, operation.namespace);
  return message({ version, action: operation.action, body: [writer.end().finish()] });
}

function outcome(operation: Operation, answer: Message | undefined): unknown {
  const fault = answer === undefined ? undefined : faultOf(answer);
  if (fault !== undefined) {
    for (const detail of fault.detail ?? []) {
      const shape = detail.namespace === operation.namespace ? operation.faults.get(detail.local) : undefined;
      if (shape !== undefined) {
        throw new OperationFault(detail.local, shape.read(detail.element, operation.namespace), fault.reason);
      }
    }
    throw new FaultError(fault);
  }
  if (operation.reply === undefined) return undefined;
  if (answer === undefined) {
    throw new ServiceError(
      'SERVICE_NO_REPLY',
      `The service sent no reply to ${operation.name}. Is the operation one-way there?`,
    );
  }
  const body = payload(answer);
  if (body === undefined || !body.is(operation.namespace, operation.reply.element)) {
    throw new ServiceError(
      'SERVICE_REPLY',
      `The reply to ${operation.name} holds ${body === undefined ? 'nothing' : `<${body.local}> of ${body.namespace}`}; ` +
        `<${operation.reply.element}> of ${operation.namespace} was expected.`,
    );
  }
  return operation.reply.shape.read(body, operation.namespace);
}
