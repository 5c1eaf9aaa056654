/**
 * Compiles the scanner, and the part of the canonicalizer that is done most, to WebAssembly, always to the same octets, and writes them to where the package takes them from:
 * `npm run kernel`, after a change to anything here or to the constants of src/xml that it reads.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const compiler = at('../node_modules/assemblyscript/bin/asc.js');
const flags = ['--runtime', 'stub', '--noAssert', '-O3', '--enable', 'simd'];

/** Whether the compiler is installed: it is for development only. */
export const hasCompiler: boolean = existsSync(compiler);

/** The module, compiled anew, in base64. */
export function compiled(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kernel-'));
  try {
    const file = join(folder, 'scan.wasm');
    execFileSync(process.execPath, [compiler, 'scan.ts', 'canonical.ts', ...flags, '--outFile', file], {
      cwd: at('.'),
    });
    return readFileSync(file, 'base64');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const comment = '/** Compiled from `kernel/` by `npm run kernel`; a test compiles it again and compares. */';
  writeFileSync(at('../src/xml/kernel-octets.ts'), `${comment}\nexport const octets =\n  '${compiled()}';\n`);
}
