/** WS-Trust 1.3 and 1.4 of OASIS, what WS2007FederationHttpBinding of WCF asks with: the default. */
import { type TrustVersion, trustVersion } from './version.ts';

const namespace = 'http://docs.oasis-open.org/ws-sx/ws-trust/200512';

export const trust200512: TrustVersion = trustVersion({
  name: '200512',
  namespace,
  bearer: `${namespace}/Bearer`,
  responses: {
    issue: 'RSTRC/IssueFinal',
    renew: 'RSTR/RenewFinal',
    validate: 'RSTR/ValidateFinal',
    cancel: 'RSTR/CancelFinal',
  },
  collection: true,
});
