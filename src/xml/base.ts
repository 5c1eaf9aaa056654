/** Joining xml:base values (Canonical XML 1.1, section 2.4 and appendix A). */

/** The `join-URI-References` function: RFC 3986, 5.2 for references that may be relative at both ends. */
export function joinReferences(base: string, reference: string): string {
  const from = parse(reference);
  const to = parse(base);
  if (reference === '') return compose({ ...to, fragment: undefined });
  if (from.scheme !== undefined) return compose({ ...from, path: withoutDots(from.path) });
  if (from.authority !== undefined) return compose({ ...from, scheme: to.scheme, path: withoutDots(from.path) });
  if (from.path === '') return compose({ ...to, query: from.query ?? to.query, fragment: from.fragment });
  const path = from.path.startsWith('/') ? from.path : merge(to, from.path);
  return compose({ ...to, path: withoutDots(path), query: from.query, fragment: from.fragment });
}

interface Reference {
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  readonly path: string;
  readonly query: string | undefined;
  readonly fragment: string | undefined;
}

/** RFC 3986, appendix B. */
function parse(reference: string): Reference {
  const parts = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(reference);
  return {
    scheme: parts?.[1],
    authority: parts?.[2],
    path: parts?.[3] ?? '',
    query: parts?.[4],
    fragment: parts?.[5],
  };
}

function compose({ scheme, authority, path, query, fragment }: Reference): string {
  return [
    scheme === undefined ? '' : `${scheme}:`,
    authority === undefined ? '' : `//${authority}`,
    path,
    query === undefined ? '' : `?${query}`,
    fragment === undefined ? '' : `#${fragment}`,
  ].join('');
}

/** RFC 3986, 5.2.3; a base that ends in `..` names a directory. */
function merge(base: Reference, path: string): string {
  if (base.authority !== undefined && base.path === '') return `/${path}`;
  const directory = /(?:^|\/)\.\.$/.test(base.path)
    ? `${base.path}/`
    : base.path.slice(0, base.path.lastIndexOf('/') + 1);
  return directory + path;
}

/** RFC 3986, 5.2.4 as C14N 1.1 changes it: `..` segments that lead out of a relative base are kept. */
function withoutDots(path: string): string {
  const rooted = path.startsWith('/');
  const kept: string[] = [];
  const segments = path.split('/');
  const last = segments.at(-1);
  for (const segment of segments) {
    if (segment === '..') {
      if (kept.length > 0 && kept.at(-1) !== '..') kept.pop();
      else if (!rooted) kept.push('..');
    } else if (segment !== '.' && segment !== '') {
      kept.push(segment);
    }
  }
  const directory = (last === '' || last === '.' || last === '..') && kept.length > 0;
  return `${rooted ? '/' : ''}${kept.join('/')}${directory ? '/' : ''}`;
}
