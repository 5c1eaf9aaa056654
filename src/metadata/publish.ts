/** What a host tells of an endpoint: its WSDL under `?wsdl`, and by WS-MetadataExchange at `<address>/mex`. */
import type { SystemBinding } from '../binding/assemble.ts';
import type { Publication } from '../channel/transport.ts';
import type { Contract } from '../service/contract.ts';
import { MetadataError } from './errors.ts';
import { metadataExchange } from './exchange.ts';
import { policyVersions } from './namespaces.ts';
import { writeWsdl } from './wsdl-writer.ts';

export interface PublishOptions {
  /** Where clients find the service, when that is not where it listens: behind a proxy, or on all addresses of a machine. */
  readonly address?: URL;
  /** The version of WS-Policy; default 1.2, as WCF. */
  readonly policy?: '1.2' | '1.5';
}

const queries: ReadonlySet<string> = new Set(['wsdl', 'singlewsdl']);

/**
 * What `host` and `listen` take as `publication`. Everybody who can connect reads it: it holds no secret, and says which
 * credentials are wanted. The Host header of a request is never taken for the address.
 *
 * @param of a system-provided or custom binding, which knows what it is
 * @throws MetadataError `METADATA_CHOICE` when the host listens on all addresses and none was given
 *
 * @example
 * await host([{ binding: via, url, receive, publication: publish(via, orders) }]);
 */
export function publish(
  of: Pick<SystemBinding, 'description'>,
  contract: Contract,
  options: PublishOptions = {},
): Publication {
  const policy = policyVersions.find(({ name }) => name === (options.policy ?? '1.2')) ?? policyVersions[0];
  return (at) => {
    const address = options.address ?? at;
    if (policy === undefined || ['0.0.0.0', '[::]'].includes(address.hostname)) {
      throw new MetadataError(
        'METADATA_CHOICE',
        `Nobody can connect to ${address.host}, where the service listens. Publish its address: publish(binding, contract, { address }).`,
      );
    }
    const document = writeWsdl({ contract, description: of.description, address, policy });
    const answer = metadataExchange(document, contract.namespace);
    const body = document.bytes;
    return {
      document: (query) =>
        queries.has(query.toLowerCase()) ? { contentType: 'text/xml; charset=utf-8', body } : undefined,
      answer,
    };
  };
}
