/**
 * Reads a SAML 1.1 or 2.0 assertion (SAML Core 1.1 section 2, SAML Core 2.0 section 2) into a value, once; everything later
 * uses the value. Every text is character data in one piece, so that no comment cuts a name short (attack C1). Nothing of
 * it is proven here.
 */
import type { Instant } from '../../base/clock.ts';
import type { XmlElement } from '../../xml/document.ts';
import { child, childrenOf } from '../../xml/find.ts';
import { SecurityError, untrusted } from '../errors.ts';
import { ds } from '../names.ts';
import { timeOf } from '../timestamp.ts';
import { plainText, requiredAttribute } from '../values.ts';
import {
  type ConfirmationMethod,
  confirmationMethods,
  type SamlVersion,
  saml11,
  samlLimits,
  samlVersions,
} from './saml.ts';

/** One way in which the sender may show that the assertion is about it. */
export interface SubjectConfirmation {
  readonly method: ConfirmationMethod;
  /** ds:KeyInfo of the key that is to be proved; holder-of-key only. */
  readonly keyInfo: XmlElement | undefined;
  readonly notBefore: Instant | undefined;
  readonly notOnOrAfter: Instant | undefined;
  readonly recipient: string | undefined;
  readonly inResponseTo: string | undefined;
  readonly address: string | undefined;
}

export interface SamlAssertion {
  readonly element: XmlElement;
  readonly version: SamlVersion;
  readonly id: string;
  readonly issuer: string;
  readonly issued: Instant;
  readonly notBefore: Instant | undefined;
  readonly notOnOrAfter: Instant | undefined;
  /** Every restriction has to name one of the receiver's audiences. */
  readonly audiences: readonly (readonly string[])[];
  /** OneTimeUse, or DoNotCacheCondition of 1.1. */
  readonly oneTimeUse: boolean;
  /** ProxyRestriction: how many may issue new assertions on this one, one after the other. */
  readonly proxy: { readonly count: number | undefined; readonly audiences: readonly string[] } | undefined;
  readonly subject: { readonly name: string; readonly format: string | undefined } | undefined;
  readonly confirmations: readonly SubjectConfirmation[];
  /** Values that are text, by name; for 1.1 `AttributeNamespace/AttributeName`, as claim types are written. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
  /** When the subject authenticated, and how. */
  readonly authentication: { readonly at: Instant; readonly context: string | undefined } | undefined;
  readonly signature: XmlElement | undefined;
}

/** Whether an element is an assertion of either version. */
export function isAssertion(element: XmlElement): boolean {
  return samlVersions.some((version) => element.is(version.namespace, 'Assertion'));
}

/**
 * @throws SecurityError `SECURITY_TOKEN_INVALID` for a shape or condition that is not known, `SECURITY_LIMIT`;
 *   XmlError `XML_UNEXPECTED` for a text in pieces, or a part that is there twice
 */
export function readAssertion(element: XmlElement): SamlAssertion {
  const version = samlVersions.find((one) => element.is(one.namespace, 'Assertion'));
  if (version === undefined) throw invalid(`${untrusted(element.local)} is no SAML assertion`);
  const named =
    version === saml11
      ? element.attribute('MajorVersion') === '1' && element.attribute('MinorVersion') === '1'
      : element.attribute('Version') === '2.0';
  if (!named) throw invalid('The assertion is of another version');
  const read = version === saml11 ? subjects11(element) : subject20(element);
  if (read.confirmations.length > samlLimits.confirmations) throw tooMuch('subject confirmations');
  const conditions = readConditions(element, version);
  return Object.freeze({
    element,
    version,
    id: nonEmpty(requiredAttribute(element, version.id), version.id),
    issuer:
      version === saml11
        ? nonEmpty(requiredAttribute(element, 'Issuer'), 'Issuer')
        : textOf(required(element, version, 'Issuer')),
    issued: time(element, 'IssueInstant') ?? fail('The assertion has no IssueInstant'),
    ...conditions,
    ...read,
    attributes: readAttributes(element, version),
    authentication: readAuthentication(element, version),
    signature: child(element, ds, 'Signature'),
  });
}

type Conditions = Pick<SamlAssertion, 'notBefore' | 'notOnOrAfter' | 'audiences' | 'oneTimeUse' | 'proxy'>;

/** A condition that is not understood makes the assertion indeterminate, that is, of no use (2.0 section 2.5.1.2). */
function readConditions(assertion: XmlElement, version: SamlVersion): Conditions {
  const conditions = child(assertion, version.namespace, 'Conditions');
  const audiences: (readonly string[])[] = [];
  let oneTimeUse = false;
  let proxy: SamlAssertion['proxy'];
  const names =
    version === saml11
      ? ({ audience: 'AudienceRestrictionCondition', once: 'DoNotCacheCondition', proxy: undefined } as const)
      : ({ audience: 'AudienceRestriction', once: 'OneTimeUse', proxy: 'ProxyRestriction' } as const);
  for (const one of conditions?.children ?? []) {
    const local = one.namespace === version.namespace ? one.local : undefined;
    if (local === names.audience) audiences.push(audiencesOf(one, version));
    else if (local === names.once && !oneTimeUse) oneTimeUse = true;
    else if (local !== undefined && local === names.proxy && proxy === undefined) {
      const count = one.attribute('Count');
      if (count !== undefined && !/^\d{1,6}$/.test(count)) throw invalid('ProxyRestriction has no number');
      proxy = { count: count === undefined ? undefined : Number(count), audiences: audiencesOf(one, version) };
    } else throw invalid(`The condition ${untrusted(one.local)} is not known, or is there twice`);
  }
  if (audiences.length > samlLimits.audiences) throw tooMuch('audience restrictions');
  return {
    notBefore: conditions && time(conditions, 'NotBefore'),
    notOnOrAfter: conditions && time(conditions, 'NotOnOrAfter'),
    audiences,
    oneTimeUse,
    proxy,
  };
}

function audiencesOf(restriction: XmlElement, version: SamlVersion): readonly string[] {
  if (restriction.children.length > samlLimits.audiences) throw tooMuch('audiences');
  return restriction.children.map((one) => {
    if (!one.is(version.namespace, 'Audience')) throw invalid(`${restriction.local} holds ${untrusted(one.local)}`);
    return textOf(one);
  });
}

type Subject = Pick<SamlAssertion, 'subject' | 'confirmations'>;

function subject20(assertion: XmlElement): Subject {
  const version = versionOf(assertion);
  const subject = child(assertion, version.namespace, 'Subject');
  if (subject === undefined) return { subject: undefined, confirmations: [] };
  if (child(subject, version.namespace, 'EncryptedID') !== undefined || child(subject, version.namespace, 'BaseID')) {
    throw invalid('The subject is encrypted, or named in a way of its own');
  }
  const name = child(subject, version.namespace, 'NameID');
  const confirmations = childrenOf(subject, version.namespace, 'SubjectConfirmation').flatMap((one) => {
    const method = methodOf(requiredAttribute(one, 'Method'), version);
    // Who else may present the assertion is named in ways that nothing here checks.
    const other = one.children.some((part) => part.namespace === version.namespace && /ID$/.test(part.local));
    if (method === undefined || other) return [];
    const data = child(one, version.namespace, 'SubjectConfirmationData');
    const keyInfo = data && child(data, ds, 'KeyInfo');
    return [
      {
        method,
        keyInfo,
        notBefore: data && time(data, 'NotBefore'),
        notOnOrAfter: data && time(data, 'NotOnOrAfter'),
        recipient: data?.attribute('Recipient'),
        inResponseTo: data?.attribute('InResponseTo'),
        address: data?.attribute('Address'),
      },
    ];
  });
  return { subject: name && nameOf(name), confirmations };
}

/** In 1.1 each statement has a subject of its own; an assertion about two is of no use as a token. */
function subjects11(assertion: XmlElement): Subject {
  const version = versionOf(assertion);
  const found = assertion.children
    .filter((one) => one.namespace === version.namespace && /Statement$/.test(one.local))
    .flatMap((statement) => childrenOf(statement, version.namespace, 'Subject').slice(0, 2))
    .map((subject) => {
      const name = child(subject, version.namespace, 'NameIdentifier');
      const confirmation = child(subject, version.namespace, 'SubjectConfirmation');
      const methods =
        confirmation === undefined ? [] : childrenOf(confirmation, version.namespace, 'ConfirmationMethod');
      if (methods.length > samlLimits.confirmations) throw tooMuch('subject confirmations');
      const keyInfo = confirmation && child(confirmation, ds, 'KeyInfo');
      return { name: name && nameOf(name), methods: methods.map(textOf), keyInfo };
    });
  const [first, ...others] = found;
  const differs = others.some(
    (one) =>
      one.name?.name !== first?.name?.name ||
      one.name?.format !== first?.name?.format ||
      one.methods.join(' ') !== first?.methods.join(' '),
  );
  if (differs) throw invalid('The statements are about different subjects');
  const confirmations = (first?.methods ?? []).flatMap((uri) => {
    const method = methodOf(uri, version);
    if (method === undefined) return [];
    const none = undefined;
    return [
      {
        method,
        keyInfo: first?.keyInfo,
        notBefore: none,
        notOnOrAfter: none,
        recipient: none,
        inResponseTo: none,
        address: none,
      },
    ];
  });
  return { subject: first?.name, confirmations };
}

function nameOf(element: XmlElement): { readonly name: string; readonly format: string | undefined } {
  const qualifier = element.attribute('NameQualifier') ?? element.attribute('SPNameQualifier');
  const format = element.attribute('Format');
  // Two names of two qualifiers are two names.
  return { name: textOf(element), format: qualifier === undefined ? format : `${format ?? ''} ${qualifier}` };
}

function readAttributes(assertion: XmlElement, version: SamlVersion): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  let values = 0;
  for (const statement of childrenOf(assertion, version.namespace, 'AttributeStatement')) {
    for (const attribute of childrenOf(statement, version.namespace, 'Attribute')) {
      const name =
        version === saml11
          ? `${requiredAttribute(attribute, 'AttributeNamespace')}/${requiredAttribute(attribute, 'AttributeName')}`
          : requiredAttribute(attribute, 'Name');
      const texts = childrenOf(attribute, version.namespace, 'AttributeValue')
        .filter((one) => one.children.length === 0)
        .map(plainText);
      values += texts.length;
      found.set(name, [...(found.get(name) ?? []), ...texts]);
      if (found.size > samlLimits.attributes || values > samlLimits.values) throw tooMuch('attributes');
    }
  }
  return found;
}

function readAuthentication(assertion: XmlElement, version: SamlVersion): SamlAssertion['authentication'] {
  const old = version === saml11;
  const [statement] = childrenOf(assertion, version.namespace, old ? 'AuthenticationStatement' : 'AuthnStatement');
  const at = statement && time(statement, old ? 'AuthenticationInstant' : 'AuthnInstant');
  if (statement === undefined || at === undefined) return undefined;
  if (old) return { at, context: statement.attribute('AuthenticationMethod') };
  const context = child(statement, version.namespace, 'AuthnContext');
  const reference = context && child(context, version.namespace, 'AuthnContextClassRef');
  return { at, context: reference && textOf(reference) };
}

function methodOf(uri: string, version: SamlVersion): ConfirmationMethod | undefined {
  return confirmationMethods.find((one) => uri === version.methods + one);
}

function versionOf(assertion: XmlElement): SamlVersion {
  return samlVersions.find((one) => one.namespace === assertion.namespace) ?? saml11;
}

function required(of: XmlElement, version: SamlVersion, local: string): XmlElement {
  return child(of, version.namespace, local) ?? fail(`${of.local} has no ${local}`);
}

function textOf(element: XmlElement): string {
  return nonEmpty(plainText(element), element.local);
}

function nonEmpty(text: string, what: string): string {
  return text === '' ? fail(`${what} is empty`) : text;
}

function time(of: XmlElement, local: string): Instant | undefined {
  const text = of.attribute(local);
  if (text === undefined) return undefined;
  // The standard wants Z; many identity providers write UTC as an offset of nothing.
  return timeOf(text.replace(/\+00:00$/, 'Z')) ?? fail(`${local} of ${of.local} is not an xs:dateTime in UTC`);
}

function fail(what: string): never {
  throw invalid(what);
}

function invalid(what: string): SecurityError {
  return new SecurityError('SECURITY_TOKEN_INVALID', `${what}.`);
}

function tooMuch(what: string): SecurityError {
  return new SecurityError('SECURITY_LIMIT', `The assertion has too many ${what}.`);
}
