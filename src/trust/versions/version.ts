/**
 * A version of WS-Trust as a row: what differs between 2005/02 and 1.3 (200512, to which 1.4 only adds) is a value here, and the code
 * that uses the row never asks which version it is.
 */

/** What is asked of a token service about a token. */
export type TrustOperation = 'issue' | 'renew' | 'validate' | 'cancel';

/** Whose key a token is to carry: one that both ends make or know, one of the requester's own pair, or none. */
export type KeyKind = 'symmetric' | 'public' | 'bearer';

export interface TrustVersion {
  readonly name: '2005/02' | '200512';
  readonly namespace: string;
  readonly actions: Readonly<Record<TrustOperation, { readonly request: string; readonly response: string }>>;
  readonly requestTypes: Readonly<Record<TrustOperation, string>>;
  readonly keyTypes: Readonly<Record<KeyKind, string>>;
  /** The computed key P_SHA1 over the entropy of both ends. */
  readonly computedKey: string;
  /** Types of a BinarySecret: entropy, and a key. */
  readonly secrets: { readonly nonce: string; readonly key: string };
  /** TokenType of a request that only wants to know whether a token is good. */
  readonly statusType: string;
  readonly status: { readonly valid: string; readonly invalid: string };
  /** Whether what is issued stands in a RequestSecurityTokenResponseCollection. */
  readonly collection: boolean;
}

/** What a version says in its own way. */
interface Particulars {
  readonly name: TrustVersion['name'];
  readonly namespace: string;
  readonly bearer: string;
  /** The last part of the actions of answers. */
  readonly responses: Readonly<Record<TrustOperation, string>>;
  readonly collection: boolean;
}

const names: Readonly<Record<TrustOperation, string>> = Object.freeze({
  issue: 'Issue',
  renew: 'Renew',
  validate: 'Validate',
  cancel: 'Cancel',
});

/** A row; everything else is built alike from the namespace. */
export function trustVersion({ name, namespace, bearer, responses, collection }: Particulars): TrustVersion {
  const each = <T>(make: (operation: TrustOperation) => T): Readonly<Record<TrustOperation, T>> =>
    Object.freeze({
      issue: make('issue'),
      renew: make('renew'),
      validate: make('validate'),
      cancel: make('cancel'),
    });
  return Object.freeze({
    name,
    namespace,
    actions: each((one) =>
      Object.freeze({ request: `${namespace}/RST/${names[one]}`, response: `${namespace}/${responses[one]}` }),
    ),
    requestTypes: each((one) => `${namespace}/${names[one]}`),
    keyTypes: Object.freeze({
      symmetric: `${namespace}/SymmetricKey`,
      public: `${namespace}/PublicKey`,
      bearer,
    }),
    computedKey: `${namespace}/CK/PSHA1`,
    secrets: Object.freeze({ nonce: `${namespace}/Nonce`, key: `${namespace}/SymmetricKey` }),
    statusType: `${namespace}/RSTR/Status`,
    status: Object.freeze({ valid: `${namespace}/status/valid`, invalid: `${namespace}/status/invalid` }),
    collection,
  });
}
