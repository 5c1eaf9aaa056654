/**
 * What the tests are checked against and where it is. A test whose oracle or data is absent skips itself by name; where
 * SUREWIRE_REQUIRE_PEERS names it (as CI does for what it installed), its absence is a failure here.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { noPostgres } from './cluster.ts';

const shared = resolve(import.meta.dirname, '../../shared');
const answers = (command: string, ...args: readonly string[]): boolean => spawnSync(command, args).status === 0;

const peers: ReadonlyMap<string, () => boolean> = new Map([
  ['xmlsec1', () => answers('xmlsec1', '--version')],
  ['lxml', () => answers('/usr/bin/python3', '-c', 'import lxml.etree')],
  ['openssl', () => answers('openssl', 'version')],
  ['chromium', () => existsSync('/usr/bin/chromium')],
  ['postgresql', () => noPostgres === undefined],
  ['vectors', () => existsSync(resolve(shared, 'vectors'))],
  ['captures', () => existsSync(resolve(shared, 'captures'))],
]);
const { SUREWIRE_REQUIRE_PEERS = '' } = process.env;
const required = SUREWIRE_REQUIRE_PEERS.split(',').filter((name) => name !== '');

test.each([...peers])('%s', (name, present) => {
  const there = present();
  if (!there && !required.includes(name))
    console.log(`absent: ${name}; the tests that need it say that they are skipped`);
  expect(there || !required.includes(name), `SUREWIRE_REQUIRE_PEERS names ${name}, but it is not there`).toBe(true);
});
