/**
 * wsc:SecurityContextToken and the references to it (WS-SecureConversation 1.3, section 2): by `#id` where the token stands in
 * the message, by its Identifier (and Instance, after a renewal) where it does not.
 */
import { wsse, wsu } from '../security/names.ts';
import type { XmlElement } from '../xml/document.ts';
import { child, onlyChild, onlyText, requiredChild } from '../xml/find.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { ConversationError } from './errors.ts';
import type { ConversationVersion } from './versions/version.ts';

/** What names a key of a context: its Identifier never changes, the Instance does with every renewal. */
export interface ContextName {
  readonly identifier: string;
  readonly instance: string | undefined;
}

export interface ContextToken extends ContextName {
  readonly id: string | undefined;
}

/** Characters of an Identifier or Instance; both are URIs or short texts that the issuer made. */
const nameLimit = 512;

/** @throws ConversationError `CONVERSATION_MALFORMED`; XmlError `XML_UNEXPECTED` */
export function readContextToken(version: ConversationVersion, element: XmlElement): ContextToken {
  if (!element.is(version.namespace, 'SecurityContextToken')) {
    throw new ConversationError('CONVERSATION_MALFORMED', 'A SecurityContextToken of this version is expected.');
  }
  const identifier = onlyText(requiredChild(element, version.namespace, 'Identifier')).trim();
  const instance = child(element, version.namespace, 'Instance');
  return {
    id: element.attribute('Id', wsu),
    identifier: named(identifier),
    instance: instance === undefined ? undefined : named(onlyText(instance).trim()),
  };
}

export function writeContextToken(version: ConversationVersion, id: string, name: ContextName): XmlFragment {
  const { namespace } = version;
  const writer = new XmlWriter().start(namespace, 'SecurityContextToken', 'wsc').attribute(wsu, 'Id', id, 'wsu');
  writer.element(namespace, 'Identifier', name.identifier, 'wsc');
  if (name.instance !== undefined) writer.element(namespace, 'Instance', name.instance, 'wsc');
  return writer.end().finish();
}

/** A reference to the token that stands in the same message under `id`. */
export function writeAttachedReference(version: ConversationVersion, id: string): XmlFragment {
  return reference(version, `#${id}`, undefined);
}

/** A reference to a token that does not stand in the message. */
export function writeUnattachedReference(version: ConversationVersion, name: ContextName): XmlFragment {
  return reference(version, name.identifier, name.instance);
}

/** What a SecurityTokenReference names: an element of the message, or a context. */
export type ReferenceTarget =
  | { readonly kind: 'attached'; readonly id: string }
  | ({ readonly kind: 'unattached' } & ContextName);

/**
 * Reads a wsse:SecurityTokenReference to a SecurityContextToken; a ValueType that is there has to be that of the version, as
 * WCF's reader has it.
 *
 * @throws ConversationError `CONVERSATION_MALFORMED`; XmlError `XML_UNEXPECTED`
 */
export function readContextReference(version: ConversationVersion, element: XmlElement): ReferenceTarget {
  const target = element.is(wsse, 'SecurityTokenReference') ? onlyChild(element) : undefined;
  const uri = target?.is(wsse, 'Reference') ? target.attribute('URI') : undefined;
  const valueType = target?.attribute('ValueType');
  const fits = valueType === undefined || valueType === version.tokenType;
  if (uri === undefined || uri === '' || uri === '#' || !fits) {
    throw new ConversationError('CONVERSATION_MALFORMED', 'A reference to a SecurityContextToken names none.');
  }
  if (uri.startsWith('#')) return { kind: 'attached', id: named(uri.slice(1)) };
  return { kind: 'unattached', identifier: named(uri), instance: target?.attribute('Instance', version.namespace) };
}

function reference(version: ConversationVersion, uri: string, instance: string | undefined): XmlFragment {
  const writer = new XmlWriter().start(wsse, 'SecurityTokenReference', 'wsse').start(wsse, 'Reference', 'wsse');
  writer.attribute('', 'URI', uri).attribute('', 'ValueType', version.tokenType);
  if (instance !== undefined) writer.attribute(version.namespace, 'Instance', instance, 'wsc');
  return writer.end().end().finish();
}

function named(text: string): string {
  if (text !== '' && text.length <= nameLimit) return text;
  throw new ConversationError('CONVERSATION_MALFORMED', `A context is named with ${text.length} characters.`);
}
