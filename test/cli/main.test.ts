/** The process around the program: which Node it wants, and readers who have enough. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const main = resolve(root, 'src/cli/main.ts');

/** The command in a process that does not outlive the test. */
function started(...args: string[]) {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

test('a reader that goes away ends it, as SIGPIPE ends others, without a stack', async () => {
  const child = started(main, 'serve', '--help');
  child.stdout.destroy();
  const said = text(child.stderr);
  const [code] = await once(child, 'close');
  expect(await said).toBe('');
  expect(code).toBe(141);
});

test('it wants the Node that package.json wants', () => {
  const { engines } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as { engines: { node: string } };
  const [, major, minor] = /const needed = \[(\d+), (\d+)\]/.exec(readFileSync(main, 'utf8')) ?? [];
  expect(engines.node).toBe(`>=${major}.${minor}`);
});

test('an older Node is told so in one sentence, before anything is loaded that it cannot run', async () => {
  const older = '{...process.versions,node:"20.20.2"}';
  const pretend = `data:text/javascript,Object.defineProperty(process,"versions",{value:${older}})`;
  const child = started('--import', pretend, main, 'demo');
  const [said, printed] = [text(child.stderr), text(child.stdout)];
  const [code] = await once(child, 'close');
  expect(await said).toMatch(/^surewire: Node \d+\.\d+ or newer is needed, and this is 20\.20\.2\. [^\n]+\n$/);
  expect(await printed).toBe('');
  expect(code).toBe(2);
});
