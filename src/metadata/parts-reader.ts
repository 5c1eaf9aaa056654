/** Which parts of messages WS-SecurityPolicy wants protected (section 4), against what is always done here. */
import { type Demands, notSpoken } from './demands.ts';
import { MetadataError } from './errors.ts';
import { named } from './place.ts';
import type { PolicyAssertion } from './policy.ts';
import { sp } from './token-reader.ts';

export interface Parts {
  readonly signed: boolean;
  readonly encrypted: boolean;
  readonly isThere: boolean;
}

/** SignedParts and EncryptedParts (section 4.1 and 4.2): an empty one means everything that there is to sign or encrypt. */
export function readParts(demands: Demands): Parts {
  const signed = demands.take(sp, 'SignedParts');
  const encrypted = demands.take(sp, 'EncryptedParts');
  for (const local of ['SignedElements', 'EncryptedElements', 'ContentEncryptedElements', 'RequiredElements']) {
    const found = demands.take(sp, local);
    if (found !== undefined) throw notSpoken(found, 'parts are whole headers and the Body');
  }
  demands.has(sp, 'RequiredParts');
  const attachments = [signed, encrypted]
    .flatMap((one) => one?.element.children ?? [])
    .find(({ local }) => local === 'Attachments');
  if (attachments !== undefined) {
    throw new MetadataError(
      'METADATA_UNSUPPORTED',
      `The policy demands ${named(attachments)}: there are no attachments.`,
    );
  }
  const header = encrypted?.element.children.find(({ local }) => local === 'Header');
  if (header !== undefined) {
    throw new MetadataError(
      'METADATA_UNSUPPORTED',
      `The policy demands that ${named(header)} is encrypted. Compose the binding by hand, with encryptHeaders.`,
    );
  }
  const hasBody = (one: PolicyAssertion | undefined): boolean =>
    one !== undefined &&
    (one.element.children.length === 0 || one.element.children.some(({ local }) => local === 'Body'));
  return {
    signed: hasBody(signed),
    encrypted: hasBody(encrypted),
    isThere: signed !== undefined || encrypted !== undefined,
  };
}

/** Here the Body of every message is signed and encrypted: a policy that demands less would get what it does not expect. */
export function requireParts(binding: PolicyAssertion, [endpoint, ...messages]: readonly Parts[]): void {
  const all =
    messages.length === 0
      ? [endpoint]
      : messages.map((one) => ({
          signed: one.signed || endpoint?.signed === true,
          encrypted: one.encrypted || endpoint?.encrypted === true,
        }));
  const less = all.find((one) => one !== undefined && !(one.signed && one.encrypted));
  if (less === undefined) return;
  throw notSpoken(
    binding,
    `it ${less.signed ? 'does not have the Body encrypted' : 'does not have the Body signed'} in every message, and here it always is`,
  );
}
