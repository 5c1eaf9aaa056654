/** The canonicalization methods, as rows: Canonical XML 1.0 and 1.1, Exclusive XML Canonicalization 1.0. */

export interface Canonicalization {
  /** The algorithm identifier. */
  readonly uri: string;
  /** Namespaces only where they are visibly used, no xml: attributes from outside (Exclusive C14N). */
  readonly exclusive: boolean;
  readonly comments: boolean;
  /** What is inherited from outside: 1.1 leaves xml:id out and joins xml:base. */
  readonly edition: '1.0' | '1.1';
}

const rows: readonly Canonicalization[] = [
  { uri: 'http://www.w3.org/2001/10/xml-exc-c14n#', exclusive: true, comments: false, edition: '1.0' },
  { uri: 'http://www.w3.org/2001/10/xml-exc-c14n#WithComments', exclusive: true, comments: true, edition: '1.0' },
  { uri: 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315', exclusive: false, comments: false, edition: '1.0' },
  {
    uri: 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments',
    exclusive: false,
    comments: true,
    edition: '1.0',
  },
  { uri: 'http://www.w3.org/2006/12/xml-c14n11', exclusive: false, comments: false, edition: '1.1' },
  { uri: 'http://www.w3.org/2006/12/xml-c14n11#WithComments', exclusive: false, comments: true, edition: '1.1' },
];

/** By algorithm identifier. */
export const canonicalizations: ReadonlyMap<string, Canonicalization> = new Map(rows.map((row) => [row.uri, row]));

/** Exclusive C14N 1.0 without comments: what WS-Security signs with. */
export const exclusive: Canonicalization = rows[0] as Canonicalization;
