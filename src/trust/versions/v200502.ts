/** WS-Trust of February 2005, what WSFederationHttpBinding of WCF asks with. */
import { type TrustVersion, trustVersion } from './version.ts';

export const trust200502: TrustVersion = trustVersion({
  name: '2005/02',
  namespace: 'http://schemas.xmlsoap.org/ws/2005/02/trust',
  // The version has no word for it; this is that of the identity profile, which WCF and its heirs use.
  bearer: 'http://schemas.xmlsoap.org/ws/2005/05/identity/NoProofKey',
  responses: { issue: 'RSTR/Issue', renew: 'RSTR/Renew', validate: 'RSTR/Validate', cancel: 'RSTR/Cancel' },
  collection: false,
});
