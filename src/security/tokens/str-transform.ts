/**
 * STR-Transform (WSS 1.1 section 8.3): what is digested is not the SecurityTokenReference but the token that it leads to, so that a
 * signature covers a token wherever it stands, or one that is not in the message at all. A certificate that both ends know is
 * digested as the BinarySecurityToken that it would be. The text wants `xmlns=""` on a token without a default namespace; WSS4J
 * and WCF write it so.
 */
import { base64, concat, utf8, view } from '../../base/bytes.ts';
import { canonicalize } from '../../xml/canonicalize.ts';
import type { XmlElement } from '../../xml/document.ts';
import { exclusive } from '../../xml/methods.ts';
import type { Certificate } from '../certificates.ts';
import { SecurityError, untrusted } from '../errors.ts';
import type { SecurityHeader } from '../header.ts';
import { ds, strTransformUri, wsse, x509v3 } from '../names.ts';
import { prefixList, type Selection, type Transform } from '../transforms.ts';
import { requiredAttribute } from '../values.ts';
import { readTokenReference } from './reference.ts';
import { samlVersions } from './saml.ts';
import { foundCertificate, type TokenScope } from './x509.ts';

/** What a reference stands for. */
export type Dereferenced =
  | { readonly kind: 'element'; readonly element: XmlElement }
  | { readonly kind: 'certificate'; readonly certificate: Certificate };

/**
 * The row for a profile.
 *
 * @param dereference the token of a wsse:SecurityTokenReference; throws where there is none
 */
export function strTransform(dereference: (reference: XmlElement) => Dereferenced): Transform {
  return Object.freeze({
    uri: strTransformUri,
    apply(selection: Selection, transform: XmlElement): Selection {
      const reference = selection.kind === 'nodes' && selection.without === undefined ? selection.element : undefined;
      if (!reference?.is(wsse, 'SecurityTokenReference')) {
        throw new SecurityError('SECURITY_REFERENCE', 'STR-Transform is applied to something else than a reference.');
      }
      const prefixes = parameters(transform);
      const found = dereference(reference);
      if (found.kind === 'certificate') {
        const octets = virtualToken(found.certificate, reference.prefix);
        return { kind: 'octets', octets, instead: { element: undefined, certificate: found.certificate } };
      }
      const { element } = found;
      return {
        kind: 'octets',
        octets: withDefault(canonicalize(element, exclusive, { prefixes: ['#default', ...prefixes] })),
        instead: {
          element,
          certificate: undefined,
          digested: { octets: canonicalize(element, exclusive, { prefixes }), prefixes },
        },
      };
    },
  });
}

/**
 * The token of a reference inside this Security header: a token or assertion that is its child, one that is embedded, or a
 * certificate that is known.
 *
 * @throws SecurityError `SECURITY_TOKEN`, `SECURITY_UNSUPPORTED`, `SECURITY_MALFORMED`
 */
export function dereference(reference: XmlElement, scope: TokenScope): Dereferenced {
  const read = readTokenReference(reference);
  const { target } = read;
  switch (target.kind) {
    case 'local': {
      const element = scope.ids.get(target.id);
      if (element === undefined || !isToken(element, scope.header)) throw missing(`#${target.id}`);
      return { kind: 'element', element };
    }
    case 'embedded':
      return { kind: 'element', element: target.token };
    case 'assertion': {
      const element = scope.ids.get(target.id);
      const { namespace, id } = target.version;
      const named = element?.is(namespace, 'Assertion') && element.attribute(id) === target.id;
      if (element === undefined || !named || !isToken(element, scope.header)) throw missing(target.id);
      return { kind: 'element', element };
    }
    case 'certificate':
    case 'key-name':
    case 'external':
    case 'encrypted-key':
    case 'kerberos':
      return { kind: 'certificate', certificate: foundCertificate(read, scope).certificate };
    default:
      return target satisfies never;
  }
}

/** What may be referred to as a token; a reference to anything else would let a signature of one thing pass for another. */
function isToken(element: XmlElement, header: SecurityHeader): boolean {
  if (element.parent !== header.element) return false;
  if (element.namespace === wsse) return element.local === 'BinarySecurityToken' || element.local === 'UsernameToken';
  return samlVersions.some((version) => element.is(version.namespace, 'Assertion'));
}

/** Exactly wsse:TransformationParameters with the one method that signed messages use (attack K4). */
function parameters(transform: XmlElement): readonly string[] {
  const [wrapper, second] = transform.children;
  const [method, other] = wrapper?.is(wsse, 'TransformationParameters') ? wrapper.children : [];
  if (second !== undefined || other !== undefined || !method?.is(ds, 'CanonicalizationMethod')) {
    throw new SecurityError('SECURITY_MALFORMED', 'STR-Transform does not hold exactly one CanonicalizationMethod.');
  }
  const uri = requiredAttribute(method, 'Algorithm');
  if (uri !== exclusive.uri) {
    throw new SecurityError('SECURITY_ALGORITHM', `STR-Transform with "${untrusted(uri)}" is not accepted.`);
  }
  return prefixList(method, true);
}

/** `xmlns=""` first on the apex, unless a default namespace is there. */
function withDefault(octets: Uint8Array): Uint8Array {
  const text = view(octets);
  let end = 1;
  // The name of the apex ends at a space or at the end of its start tag.
  while (end < text.length && text[end] !== 0x20 && text[end] !== 0x3e) end++;
  if (text.subarray(end, end + defaultNamespace.length).equals(defaultNamespace)) return octets;
  return concat([octets.subarray(0, end), utf8(' xmlns=""'), octets.subarray(end)]);
}

const defaultNamespace = Buffer.from(' xmlns="');

/** The token that a certificate would be, under the prefix that the reference uses. */
function virtualToken({ der }: Certificate, prefix: string): Uint8Array {
  const name = prefix === '' ? 'BinarySecurityToken' : `${prefix}:BinarySecurityToken`;
  const declarations = prefix === '' ? ` xmlns="${wsse}"` : ` xmlns="" xmlns:${prefix}="${wsse}"`;
  return utf8(`<${name}${declarations} ValueType="${x509v3}">${base64(der)}</${name}>`);
}

function missing(what: string): SecurityError {
  return new SecurityError('SECURITY_TOKEN', `There is no token "${untrusted(what)}" in this Security header.`);
}

/** What stands in ds:Transforms over a SecurityTokenReference; canonical where `ds` is declared, as SignedInfo standing alone is. */
export function writeStrTransform(): string {
  return (
    `<ds:Transform Algorithm="${strTransformUri}"><wsse:TransformationParameters xmlns:wsse="${wsse}">` +
    `<ds:CanonicalizationMethod Algorithm="${exclusive.uri}"></ds:CanonicalizationMethod>` +
    `</wsse:TransformationParameters></ds:Transform>`
  );
}

/** What the transform makes of a token that is written here: its digest's octets. */
export function strTransformOctets(token: { readonly element: XmlElement } | Certificate, prefix = 'wsse'): Uint8Array {
  if ('der' in token) return virtualToken(token, prefix);
  return withDefault(canonicalize(token.element, exclusive, { prefixes: ['#default'] }));
}
