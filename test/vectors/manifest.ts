/** The manifests of the shared vectors: where they are, and their cases as they stand. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const vectorsFolder: string = join(import.meta.dirname, '../../../shared/vectors');
export const vectorsThere: boolean = existsSync(vectorsFolder);

interface VectorKey {
  readonly type: string;
  readonly file?: string;
  readonly name?: string;
  readonly utf8?: string;
  readonly password?: string;
  readonly username?: string;
  /** Of the certificate that belongs to a private key. */
  readonly cert?: string;
  readonly pem?: string;
}

export interface VectorCase {
  readonly folder: string;
  readonly id: string;
  readonly file: string;
  readonly kind: string;
  readonly expect: unknown;
  readonly keys: readonly VectorKey[];
  readonly [field: string]: unknown;
}

/** Every case of every manifest, or of the folders and the kind that are asked for. */
export function vectorCases(kind?: string, folders?: readonly string[]): readonly VectorCase[] {
  if (!vectorsThere) return [];
  return (folders ?? readdirSync(vectorsFolder).sort()).flatMap((folder) => {
    const manifest = join(vectorsFolder, folder, 'MANIFEST.json');
    if (!existsSync(manifest)) return [];
    const { cases = [] } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly cases?: readonly VectorCase[] };
    return cases
      .filter((one) => kind === undefined || one.kind === kind)
      .map((one) => ({ ...one, keys: one.keys ?? [], folder }));
  });
}

export function vectorPath(one: VectorCase, file: string = one.file): string {
  return join(vectorsFolder, one.folder, file);
}

export function vectorOctets(one: VectorCase, file: string = one.file): Uint8Array {
  return new Uint8Array(readFileSync(vectorPath(one, file)));
}
