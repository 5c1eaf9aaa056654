/** A small service over any binding, and who its ends are. */
import type { SystemBinding } from '../../src/binding/assemble.ts';
import type { Binding } from '../../src/channel/binding.ts';
import { connect } from '../../src/channel/binding.ts';
import type { PasswordSource, UsernameCredentials } from '../../src/security/tokens/username.ts';
import { type Calls, client, type Life } from '../../src/service/client.ts';
import { type Contract, contract, type OperationInit, oneWay, requestReply } from '../../src/service/contract.ts';
import { dispatcher } from '../../src/service/dispatcher.ts';
import { type Host, host } from '../../src/service/host.ts';
import { integer, list, optional, record, type Shape, text } from '../../src/service/shape.ts';
import type { TlsOptions } from '../../src/transport/tls.ts';
import { Authority } from '../transport/certificates.ts';

interface Order {
  readonly sku: string;
  readonly quantity: number;
  readonly note?: string | undefined;
  readonly tags: readonly string[];
}
interface Numbered {
  readonly number: number;
}
type Place = OperationInit<Order, Numbered, { readonly SoldOut: Shape<{ readonly sku: string }> }>;
type Orders = Contract<{
  readonly place: Place & { readonly reply: Shape<Numbered> };
  readonly cancel: OperationInit<Numbered, undefined, Record<never, never>>;
}>;

export const orders: Orders = contract({
  name: 'Orders',
  namespace: 'urn:example:orders',
  operations: {
    place: requestReply({
      request: record({ sku: text, quantity: integer, note: optional(text), tags: list(text) }) as Shape<Order>,
      reply: record({ number: integer }),
      faults: { SoldOut: record({ sku: text }) },
    }),
    cancel: oneWay({ request: record({ number: integer }) }),
  },
});

const authority = new Authority('Binding Authority');
const { cert, key } = authority.leaf();
export const tls: { readonly service: TlsOptions; readonly client: TlsOptions } = {
  service: { cert, key, ca: authority.cert },
  client: { ca: authority.cert },
};
/** Shows a certificate, too. */
export const known: TlsOptions = { cert, key, ca: authority.cert };

export const alice: UsernameCredentials = { user: 'alice', password: 'correct horse', form: 'text' };
export const passwords: PasswordSource = {
  password: (user: string) => (user === alice.user ? alice.password : undefined),
};

export function served(binding: Binding, at: string): Promise<Host> {
  const receive = dispatcher(orders, {
    place: ({ quantity }) => ({ number: 1_000 + quantity }),
    cancel: () => undefined,
  });
  return host([{ binding, url: new URL(at), receive }]);
}

export function calling(via: SystemBinding, to: URL): Calls<Orders> & Life {
  return client(orders, connect(via, to));
}
