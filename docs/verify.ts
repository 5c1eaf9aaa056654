/**
 * Makes the table of findings in docs/VERIFY.md from the source: `node docs/verify.ts` writes it, `test/documents.test.ts` holds it
 * to the source.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { findingKinds } from '../src/audit/verify/findings.ts';

const page = resolve(import.meta.dirname, 'VERIFY.md');
const begin = '| finding | weight | what it says |\n|---|---|---|\n';

/** The page with the table of the source. */
export function verifyPage(): string {
  const text = readFileSync(page, 'utf8');
  const start = text.indexOf(begin);
  const rows = Object.entries(findingKinds).map(([code, [weight, what]]) => `| \`${code}\` | ${weight} | ${what} |`);
  return `${text.slice(0, start)}${begin}${rows.join('\n')}\n`;
}

if (import.meta.main) writeFileSync(page, verifyPage());
