/**
 * Makes docs/ERRORS.md from the unions of codes in `src/<room>/errors.ts`: `node docs/errors.ts` writes it,
 * `test/documents.test.ts` holds it to the source.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

interface Code {
  readonly room: string;
  readonly code: string;
  readonly meaning: string;
}

/** A code with the comment above it, as a member of a union (`| 'CODE'`) or of the table that the union is made of (`CODE:`). */
const entry = /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*)?(?:\|\s*'([A-Z0-9_]+)'|^ {2}([A-Z0-9_]+):)/gm;

/** Every code of every room, with the comment above it. */
export function errorCodes(): readonly Code[] {
  return readdirSync(join(root, 'src')).flatMap((room) => {
    const file = join(root, 'src', room, 'errors.ts');
    const text = readable(file);
    return [...text.matchAll(entry)].map((match) => ({
      room,
      code: match[2] ?? match[3] ?? '',
      meaning: (match[1] ?? '').replace(/\s*\n\s*\*\s*/g, ' ').trim(),
    }));
  });
}

function readable(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The page. */
export function errorsPage(): string {
  const lines = errorCodes().map(({ room, code, meaning }) => `| \`${code}\` | ${room} | ${meaning} |`);
  return `# Errors

Every error is a \`SurewireError\` with a stable \`code\`; its message says what happened and what to do. \`transient\` is true when
the same call may succeed later. On the wire all security failures look alike; the code is for the operator. This page is made
from the source by \`node docs/errors.ts\`.

| code | room | when |
|---|---|---|
${lines.join('\n')}
`;
}

if (import.meta.main) writeFileSync(join(root, 'docs/ERRORS.md'), errorsPage());
