/**
 * wst:RequestSecurityTokenResponse (WS-Trust 1.3 sections 4.4, 5, 6 and 7): alone, or in a collection of one where 1.3 issues. Written in
 * the order of WCF and CXF; read by name, and by what it says rather than by what was asked.
 */
import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Instant } from '../base/clock.ts';
import { addressing200508 } from '../soap/addressing-versions.ts';
import type { XmlElement } from '../xml/document.ts';
import { child, onlyChild, onlyText, requiredChild } from '../xml/find.ts';
import { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { TrustError } from './errors.ts';
import { wsp } from './names.ts';
import { readLifetime, writeLifetime } from './requests.ts';
import { computedProofKey, secretIn, writeSecret } from './secrets.ts';
import type { TrustVersion } from './versions/version.ts';

/** How the requester learns the proof key. */
export type ProofAnswer =
  /** The issuer's entropy: both ends compute the key. */
  | { readonly kind: 'computed'; readonly entropy: Uint8Array; readonly bits: number }
  /** The key itself. */
  | { readonly kind: 'key'; readonly key: Uint8Array }
  /** The requester's own key, or none. */
  | { readonly kind: 'none' };

/** What a token service says of the token that it has issued or renewed. */
export interface IssuedAnswer {
  readonly tokenType: string;
  readonly token: XmlFragment;
  /** SecurityTokenReferences to the token, where it is in the message and where it is not. */
  readonly attached: XmlFragment | undefined;
  readonly unattached: XmlFragment | undefined;
  readonly proof: ProofAnswer;
  readonly appliesTo: string | undefined;
  readonly created: Instant;
  readonly expires: Instant;
  readonly context: string | undefined;
}

export function writeIssuedToken(version: TrustVersion, answer: IssuedAnswer, isRenewal: boolean = false): XmlFragment {
  const { namespace } = version;
  const { attached, unattached, proof, appliesTo } = answer;
  return response(version, version.collection && !isRenewal, answer.context, (writer) => {
    writer.element(namespace, 'TokenType', answer.tokenType, 'wst');
    writer.start(namespace, 'RequestedSecurityToken', 'wst').fragment(answer.token).end();
    if (appliesTo !== undefined) {
      const wsa = addressing200508.namespace;
      writer.start(wsp, 'AppliesTo', 'wsp').start(wsa, 'EndpointReference', 'a');
      writer.element(wsa, 'Address', appliesTo, 'a').end().end();
    }
    for (const [local, reference] of [
      ['RequestedAttachedReference', attached],
      ['RequestedUnattachedReference', unattached],
    ] as const) {
      if (reference !== undefined) writer.start(namespace, local, 'wst').fragment(reference).end();
    }
    if (proof.kind !== 'none') {
      writer.start(namespace, 'RequestedProofToken', 'wst');
      if (proof.kind === 'key') writeSecret(writer, version, version.secrets.key, proof.key);
      else writer.element(namespace, 'ComputedKey', version.computedKey, 'wst');
      writer.end();
    }
    if (proof.kind === 'computed') {
      writer.start(namespace, 'Entropy', 'wst');
      writeSecret(writer, version, version.secrets.nonce, proof.entropy);
      writer.end();
    }
    writeLifetime(writer, version, answer);
    if (proof.kind === 'computed') writer.element(namespace, 'KeySize', String(proof.bits), 'wst');
  });
}

export function writeStatus(version: TrustVersion, isValid: boolean, context: string | undefined): XmlFragment {
  const { namespace, status } = version;
  return response(version, false, context, (writer) => {
    writer.element(namespace, 'TokenType', version.statusType, 'wst').start(namespace, 'Status', 'wst');
    writer.element(namespace, 'Code', isValid ? status.valid : status.invalid, 'wst').end();
  });
}

export function writeCancelledToken(version: TrustVersion, context: string | undefined): XmlFragment {
  return response(version, false, context, (writer) =>
    writer.element(version.namespace, 'RequestedTokenCancelled', '', 'wst'),
  );
}

/** What the requester learns of its token. */
export interface ReceivedToken {
  /** The token as its issuer wrote it: it goes on octet for octet. */
  readonly token: XmlFragment;
  readonly tokenType: string | undefined;
  /** What names the token where it stands in a message: a wsse:SecurityTokenReference. */
  readonly attached: XmlFragment | undefined;
  /** The proof key that both ends have; absent for bearer tokens and keys of the requester's own. */
  readonly proof: KeyObject | undefined;
  readonly created: Instant | undefined;
  readonly expires: Instant | undefined;
}

/** What of the request the key is made of. */
export interface Asked {
  readonly entropy: Uint8Array | undefined;
  /** Bits. */
  readonly keySize: number | undefined;
  readonly context: string | undefined;
}

/**
 * Reads the answer to issue or renew.
 *
 * @param element the child of the Body
 * @throws TrustError `TRUST_MALFORMED`, `TRUST_UNSUPPORTED`, `TRUST_KEY`; XmlError `XML_UNEXPECTED`
 */
export function readIssuedToken(version: TrustVersion, element: XmlElement | undefined, asked: Asked): ReceivedToken {
  const { namespace } = version;
  const answer = answerIn(version, element, asked.context);
  const token = onlyChild(requiredChild(answer, namespace, 'RequestedSecurityToken'));
  const [type, attached] = [
    child(answer, namespace, 'TokenType'),
    child(answer, namespace, 'RequestedAttachedReference'),
  ];
  const lifetime = readLifetime(answer, namespace);
  return {
    token: XmlFragment.of(token),
    tokenType: type && onlyText(type).trim(),
    attached: attached && XmlFragment.of(onlyChild(attached)),
    proof: proofIn(version, answer, asked),
    created: lifetime?.created,
    expires: lifetime?.expires,
  };
}

/**
 * Reads the answer to validate.
 *
 * @throws TrustError `TRUST_MALFORMED`; XmlError `XML_UNEXPECTED`
 */
export function readStatus(
  version: TrustVersion,
  element: XmlElement | undefined,
  context: string | undefined,
): boolean {
  const { namespace, status } = version;
  const code = requiredChild(
    requiredChild(answerIn(version, element, context), namespace, 'Status'),
    namespace,
    'Code',
  );
  const said = onlyText(code).trim();
  if (said === status.valid) return true;
  if (said === status.invalid) return false;
  throw malformed('The status of a token is neither valid nor invalid.');
}

/** @throws TrustError `TRUST_MALFORMED` when the answer does not say that the token was cancelled */
export function readCancelledToken(
  version: TrustVersion,
  element: XmlElement | undefined,
  context: string | undefined,
): void {
  requiredChild(answerIn(version, element, context), version.namespace, 'RequestedTokenCancelled');
}

/** The proof key: computed of both entropies, given, or the requester's entropy (section 4.4.4). */
function proofIn(version: TrustVersion, answer: XmlElement, { entropy, keySize }: Asked): KeyObject | undefined {
  const { namespace } = version;
  const requested = child(answer, namespace, 'RequestedProofToken');
  const computed = requested && child(requested, namespace, 'ComputedKey');
  if (computed !== undefined) {
    const theirs = secretIn(child(answer, namespace, 'Entropy'), version);
    if (onlyText(computed).trim() !== version.computedKey || theirs === undefined || entropy === undefined) {
      throw new TrustError('TRUST_UNSUPPORTED', 'The key is computed in another way than P_SHA1 over both entropies.');
    }
    const size = child(answer, namespace, 'KeySize');
    return computedProofKey(entropy, theirs, size === undefined ? (keySize ?? 256) : Number(onlyText(size)));
  }
  if (requested === undefined) return entropy && createSecretKey(entropy);
  const key = secretIn(requested, version);
  if (key === undefined) throw new TrustError('TRUST_UNSUPPORTED', 'The proof key is in a form that is not taken.');
  return createSecretKey(key);
}

function answerIn(version: TrustVersion, element: XmlElement | undefined, context: string | undefined): XmlElement {
  const { namespace } = version;
  const inside = element?.is(namespace, 'RequestSecurityTokenResponseCollection') ? onlyChild(element) : element;
  if (!inside?.is(namespace, 'RequestSecurityTokenResponse')) {
    throw malformed('A RequestSecurityTokenResponse of this version is expected.');
  }
  const echoed = inside.attribute('Context');
  if (echoed !== undefined && echoed !== context) throw malformed('The answer is to another request.');
  return inside;
}

function response(
  { namespace }: TrustVersion,
  collected: boolean,
  context: string | undefined,
  write: (writer: XmlWriter) => void,
): XmlFragment {
  const writer = new XmlWriter();
  if (collected) writer.start(namespace, 'RequestSecurityTokenResponseCollection', 'wst');
  writer.start(namespace, 'RequestSecurityTokenResponse', 'wst');
  if (context !== undefined) writer.attribute('', 'Context', context);
  write(writer);
  writer.end();
  return (collected ? writer.end() : writer).finish();
}

function malformed(what: string): TrustError {
  return new TrustError('TRUST_MALFORMED', what);
}
