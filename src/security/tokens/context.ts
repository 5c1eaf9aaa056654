/**
 * wsc:SecurityContextToken and the references to it (WS-SecureConversation 1.3, section 2): by `#id` where the token stands in
 * the message, by its Identifier (and Instance, after a renewal) where it does not.
 */
import type { XmlElement } from '../../xml/document.ts';
import { child, onlyChild, onlyText, requiredChild } from '../../xml/find.ts';
import type { XmlFragment } from '../../xml/fragment.ts';
import { XmlWriter } from '../../xml/write.ts';
import { SecurityError } from '../errors.ts';
import { conversationNamespaces, wsse, wsu } from '../names.ts';

/** What names a key of a context: its Identifier never changes, the Instance does with every renewal. */
export interface ContextName {
  readonly identifier: string;
  readonly instance: string | undefined;
}

/** Whether two names are of one context and of one key of it. */
export function sameName(one: ContextName, other: ContextName): boolean {
  return one.identifier === other.identifier && one.instance === other.instance;
}

export interface ContextToken extends ContextName {
  readonly id: string | undefined;
}

/** Characters of an Identifier or Instance; both are URIs or short texts that the issuer made. */
const nameLimit = 512;

/** ValueType of references to a SecurityContextToken, by the namespace of WS-SecureConversation. */
export function contextTokenType(namespace: string): string {
  return tokenTypes.get(namespace) ?? `${namespace}/sct`;
}

const tokenTypes: ReadonlyMap<string, string> = new Map(conversationNamespaces.map((one) => [one, `${one}/sct`]));

/** Whether an element is a SecurityContextToken of either version. */
export function isContextToken(element: XmlElement): boolean {
  return element.local === 'SecurityContextToken' && conversationNamespaces.includes(element.namespace);
}

/**
 * @param namespace of WS-SecureConversation
 * @throws SecurityError `SECURITY_MALFORMED`; XmlError `XML_UNEXPECTED`
 */
export function readContextToken(namespace: string, element: XmlElement): ContextToken {
  if (!element.is(namespace, 'SecurityContextToken')) {
    throw malformed('A SecurityContextToken of this version is expected.');
  }
  const identifier = onlyText(requiredChild(element, namespace, 'Identifier')).trim();
  const instance = child(element, namespace, 'Instance');
  return {
    id: element.attribute('Id', wsu),
    identifier: named(identifier),
    instance: instance === undefined ? undefined : named(onlyText(instance).trim()),
  };
}

/**
 * @param namespace of WS-SecureConversation
 * @param inside what else its issuer puts into it
 */
export function writeContextToken(
  namespace: string,
  id: string,
  name: ContextName,
  inside?: XmlFragment | undefined,
): XmlFragment {
  const writer = new XmlWriter().start(namespace, 'SecurityContextToken', 'wsc').attribute(wsu, 'Id', id, 'wsu');
  writer.element(namespace, 'Identifier', name.identifier, 'wsc');
  if (name.instance !== undefined) writer.element(namespace, 'Instance', name.instance, 'wsc');
  if (inside !== undefined) writer.fragment(inside);
  return writer.end().finish();
}

/** A reference to the token that stands in the same message under `id`. */
export function writeAttachedReference(namespace: string, id: string): XmlFragment {
  return reference(namespace, `#${id}`, undefined);
}

/** A reference to a token that does not stand in the message. */
export function writeUnattachedReference(namespace: string, name: ContextName): XmlFragment {
  return reference(namespace, name.identifier, name.instance);
}

/** What a SecurityTokenReference names: an element of the message, or a context. */
export type ReferenceTarget =
  | { readonly kind: 'attached'; readonly id: string }
  | ({ readonly kind: 'unattached' } & ContextName);

/**
 * Reads a wsse:SecurityTokenReference to a SecurityContextToken; a ValueType that is there has to be that of the version, as
 * WCF's reader has it.
 *
 * @param namespace of WS-SecureConversation
 * @throws SecurityError `SECURITY_MALFORMED`; XmlError `XML_UNEXPECTED`
 */
export function readContextReference(namespace: string, element: XmlElement): ReferenceTarget {
  const target = element.is(wsse, 'SecurityTokenReference') ? onlyChild(element) : undefined;
  const uri = target?.is(wsse, 'Reference') ? target.attribute('URI') : undefined;
  const valueType = target?.attribute('ValueType');
  const fits = valueType === undefined || valueType === contextTokenType(namespace);
  if (uri === undefined || uri === '' || uri === '#' || !fits) {
    throw malformed('A reference to a SecurityContextToken names none.');
  }
  if (uri.startsWith('#')) return { kind: 'attached', id: named(uri.slice(1)) };
  return { kind: 'unattached', identifier: named(uri), instance: target?.attribute('Instance', namespace) };
}

/** A wsu:Id from an Identifier `urn:uuid:…`. */
export function idOf(identifier: string): string {
  return identifier.replace('urn:uuid:', 'uuid-');
}

function reference(namespace: string, uri: string, instance: string | undefined): XmlFragment {
  const writer = new XmlWriter().start(wsse, 'SecurityTokenReference', 'wsse').start(wsse, 'Reference', 'wsse');
  writer.attribute('', 'URI', uri).attribute('', 'ValueType', contextTokenType(namespace));
  if (instance !== undefined) writer.attribute(namespace, 'Instance', instance, 'wsc');
  return writer.end().end().finish();
}

function named(text: string): string {
  if (text !== '' && text.length <= nameLimit) return text;
  throw malformed(`A context is named with ${text.length} characters.`);
}

function malformed(what: string): SecurityError {
  return new SecurityError('SECURITY_MALFORMED', what);
}
