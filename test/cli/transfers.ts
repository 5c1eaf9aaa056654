/** What the tests with real processes begin with: a folder with keys and purchase orders in it, and children that end with the test. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { developmentPki } from '../../src/certificates/development-pki.ts';
import { purchaseOrder } from '../../src/cli/orders/order.ts';
import { XmlFragment } from '../../src/xml/fragment.ts';
import { Child } from './running.ts';

const sum = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex');

export class Transfers {
  readonly base: string;
  /** The orders that are to be sent, in their order. */
  readonly files: readonly string[];
  readonly #sums: readonly string[];
  /** Every child, so that a test that fails leaves none behind. */
  readonly #children: Child[] = [];

  private constructor(base: string, files: readonly string[], sums: readonly string[]) {
    this.base = base;
    this.files = files;
    this.#sums = sums;
  }

  /** Makes the folder, its keys and so many orders. */
  static async of(count: number): Promise<Transfers> {
    const base = await mkdtemp(join(tmpdir(), 'surewire-transfers-'));
    await developmentPki({ folder: join(base, 'certs-dev/generated'), algorithms: ['ec'] });
    const files: string[] = [];
    const sums: string[] = [];
    for (let number = 1; number <= count; number++) {
      const xml = purchaseOrder(number, 11);
      const file = join(base, `${number}.xml`);
      await writeFile(file, xml);
      files.push(file);
      sums.push(sum(XmlFragment.parse(xml).bytes));
    }
    return new Transfers(base, files, sums);
  }

  /** Starts the command in the folder. */
  child(args: readonly string[]): Child {
    const made = new Child(args, this.base);
    this.#children.push(made);
    return made;
  }

  /** Every order once, in order, whole, and nothing else in the inbox. */
  async expectAll(inbox: string): Promise<void> {
    const found: string[] = [];
    for (const name of (await readdir(inbox)).sort()) found.push(sum(await readFile(join(inbox, name))));
    expect(found).toEqual(this.#sums);
  }

  /** Ends whatever is left. */
  async end(): Promise<void> {
    for (const one of this.#children) one.kill('SIGKILL');
    await Promise.all(this.#children.map((one) => one.exited));
    await rm(this.base, { recursive: true });
  }
}

/** Where a `serve --json` listens, once it does. */
export async function listening(box: Child): Promise<URL> {
  await box.until(() => box.out.length > 0);
  return new URL((JSON.parse(box.out[0] ?? '{}') as { listening: string }).listening);
}
