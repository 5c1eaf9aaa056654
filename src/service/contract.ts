/**
 * A contract: the operations of a service, their actions, and the shapes of what travels. Both ends are typed by it.
 * Names and actions follow WCF's rules, so that a data contract of the same names is the same on the wire.
 */
import { ServiceError } from './errors.ts';
import type { Shape } from './shape.ts';

export interface OperationInit<I, O, F extends FaultShapes> {
  readonly request: Shape<I>;
  /** Absent: a one-way operation. */
  readonly reply?: Shape<O>;
  /** Faults that the operation may answer with, by the local name of their detail element. */
  readonly faults?: F;
  /** Local name of the request element; default: the operation's name with a capital first letter. */
  readonly element?: string;
  /** wsa:Action of the request; default `{namespace}/{contract}/{element}`. */
  readonly action?: string;
  /** wsa:Action of the reply; default the request's action + `Response`. */
  readonly replyAction?: string;
  /** May be the first of a session; default true. */
  readonly initiating?: boolean;
  /** Ends the session after its reply, or after its message where there is none; default false. */
  readonly terminating?: boolean;
}

/** Whether the operations of a contract are called in sessions (WCF's SessionMode). */
export type SessionMode = 'required' | 'allowed' | 'not-allowed';

type FaultShapes = Readonly<Record<string, Shape<unknown>>>;
/** The operations of a contract by name. */
export type Operations = Readonly<Record<string, OperationInit<unknown, unknown, FaultShapes>>>;
/** What the caller of an operation gives. */
export type RequestOf<Op> = Op extends { readonly request: Shape<infer I> } ? I : never;
/** What the caller of an operation gets. */
export type ReplyOf<Op> = Op extends { readonly reply: Shape<infer O> } ? O : undefined;

/** One operation with every name filled in. */
export interface Operation {
  readonly name: string;
  readonly namespace: string;
  readonly element: string;
  readonly action: string;
  readonly request: Shape<unknown>;
  readonly reply: { readonly element: string; readonly action: string; readonly shape: Shape<unknown> } | undefined;
  readonly faults: ReadonlyMap<string, Shape<unknown>>;
  readonly initiating: boolean;
  readonly terminating: boolean;
  /** wsa:Action of a declared fault. */
  faultAction(fault: string): string;
}

export interface Contract<O extends Operations = Operations> {
  readonly name: string;
  readonly namespace: string;
  readonly session: SessionMode;
  readonly operations: ReadonlyMap<string, Operation>;
  /** Carries the types only; never set. */
  readonly types?: O;
}

/** A request-reply operation. */
export function requestReply<I, O, const F extends FaultShapes = Record<never, never>>(
  init: OperationInit<I, O, F> & { readonly reply: Shape<O> },
): OperationInit<I, O, F> & { readonly reply: Shape<O> } {
  return init;
}

/** A one-way operation: the call settles when the message is in the hands of the channel below. */
export function oneWay<I>(
  init: Omit<OperationInit<I, undefined, Record<never, never>>, 'reply' | 'faults' | 'replyAction'>,
): OperationInit<I, undefined, Record<never, never>> {
  return init;
}

/** What a client has besides the operations, and what would make a promise of it. */
const reserved: ReadonlySet<string> = new Set(['open', 'close', 'abort', 'then']);

/**
 * What two ends agree on: operations with the elements they exchange (document/literal, wrapped) and their actions, as WCF
 * makes them of a ServiceContract: `<namespace>/<name>/<Operation>` where none is given.
 *
 * @param init.name the name of the contract, part of the actions
 * @param init.namespace namespace of the body elements and base of the actions, an absolute URI
 * @param init.session whether a session (such as `reliableSession` gives) is needed, or not to be had; default `allowed`
 * @param init.operations by name, each made with `requestReply` or `oneWay`
 * @returns a frozen value for `client` and `dispatcher`
 * @throws ServiceError `SERVICE_CONTRACT` when two operations share an action, one has a name that a client needs, or one is
 * terminating or not initiating and sessions are not required, or none may begin a session
 *
 * @example
 * const orders = contract({
 *   name: 'Orders',
 *   namespace: 'urn:example:orders',
 *   operations: { place: requestReply({ request: record({ sku: text }), reply: record({ number: integer }) }) },
 * });
 */
export function contract<const O extends Operations>(init: {
  readonly name: string;
  readonly namespace: string;
  readonly session?: SessionMode;
  readonly operations: O;
}): Contract<O> {
  const session = init.session ?? 'allowed';
  const operations = new Map<string, Operation>();
  const actions = new Map<string, string>();
  for (const [name, given] of Object.entries(init.operations)) {
    if (reserved.has(name)) {
      throw new ServiceError(
        'SERVICE_CONTRACT',
        `A client has a method "${name}" of its own. Name the operation otherwise, and give its element and action.`,
      );
    }
    const element = given.element ?? name.charAt(0).toUpperCase() + name.slice(1);
    const action = given.action ?? `${init.namespace.replace(/\/$/, '')}/${init.name}/${element}`;
    const taken = actions.get(action);
    if (taken !== undefined) {
      throw new ServiceError(
        'SERVICE_CONTRACT',
        `The operations "${taken}" and "${name}" share the action ${action}. Give one of them an action of its own.`,
      );
    }
    actions.set(action, name);
    const { initiating = true, terminating = false } = given;
    if (session !== 'required' && (!initiating || terminating)) {
      throw new ServiceError(
        'SERVICE_CONTRACT',
        `The operation "${name}" has a place in a session. Let the contract say session: 'required'.`,
      );
    }
    operations.set(
      name,
      Object.freeze({
        name,
        namespace: init.namespace,
        element,
        action,
        request: given.request as Shape<unknown>,
        reply:
          given.reply === undefined
            ? undefined
            : { element: `${element}Response`, action: given.replyAction ?? `${action}Response`, shape: given.reply },
        faults: new Map(Object.entries(given.faults ?? {})) as ReadonlyMap<string, Shape<unknown>>,
        initiating,
        terminating,
        faultAction: (fault: string) => `${action}${fault}Fault`,
      } satisfies Operation),
    );
  }
  if (operations.size > 0 && ![...operations.values()].some(({ initiating }) => initiating)) {
    throw new ServiceError('SERVICE_CONTRACT', 'No operation may begin a session. Let one of them be initiating.');
  }
  return Object.freeze({ name: init.name, namespace: init.namespace, session, operations });
}
