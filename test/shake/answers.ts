/**
 * What is asked of the thread pool is answered late, and not in the order in which it was asked: the order of its threads is
 * nobody's promise. What is asked is not changed, and read when it was asked.
 */
import crypto from 'node:crypto';
import dns from 'node:dns';
import fs from 'node:fs';
import files from 'node:fs/promises';
import zlib from 'node:zlib';
import { after, type Chance } from './chance.ts';

type Asked = (this: unknown, ...args: unknown[]) => unknown;

const webCrypto = [
  ...['decrypt', 'deriveBits', 'deriveKey', 'digest', 'encrypt', 'exportKey', 'generateKey', 'importKey'],
  ...['sign', 'unwrapKey', 'verify', 'wrapKey'],
];
const keys = [
  ...['generateKey', 'generateKeyPair', 'hkdf', 'pbkdf2', 'randomBytes', 'randomFill', 'randomInt', 'scrypt'],
  ...['sign', 'verify'],
];
const squeezers = ['deflate', 'deflateRaw', 'gunzip', 'gzip', 'inflate', 'inflateRaw'];
const ofFiles = [
  ...['access', 'appendFile', 'close', 'copyFile', 'mkdir', 'mkdtemp', 'open', 'read', 'readFile', 'readdir'],
  ...['realpath', 'rename', 'rm', 'stat', 'unlink', 'write', 'writeFile'],
];
const ofHandles = [
  ...['appendFile', 'close', 'datasync', 'read', 'readFile', 'stat', 'sync', 'truncate', 'write', 'writeFile'],
];

/** WebCrypto. */
export function lateWebCrypto(chance: Chance): void {
  replace(Object.getPrototypeOf(crypto.webcrypto.subtle), webCrypto, (real) => promised(real, chance));
}

/** Keys, randomness, signatures and compression with a callback. */
export function latePool(chance: Chance): void {
  replace(crypto, keys, (real) => called(real, chance));
  replace(zlib, squeezers, (real) => called(real, chance));
}

/** Files, with promises and with callbacks; a file may also be looked at late. */
export async function lateFiles(chance: Chance): Promise<void> {
  replace(files, ofFiles, (real) => promised(begunLate(real, chance), chance));
  replace(fs, ofFiles, (real) => called(real, chance));
  const handle = await files.open('/dev/null');
  // What was asked of a file that is open is done before it is closed.
  replace(Object.getPrototypeOf(handle), ofHandles, (real) => promised(real, chance));
  await handle.close();
}

/** Names of hosts. */
export function lateNames(chance: Chance): void {
  replace(dns, ['lookup', 'resolve'], (real) => called(real, chance));
  replace(dns.promises, ['lookup', 'resolve'], (real) => promised(real, chance));
}

function replace(on: object, names: readonly string[], make: (real: Asked) => Asked): void {
  for (const name of names) {
    const property = Object.getOwnPropertyDescriptor(on, name);
    if (typeof property?.value !== 'function') continue;
    const made = make(property.value as Asked);
    // What `promisify` goes by.
    for (const key of Reflect.ownKeys(property.value)) {
      const own = Object.getOwnPropertyDescriptor(property.value, key);
      if (typeof key === 'symbol' && own !== undefined) Object.defineProperty(made, key, own);
    }
    Object.defineProperty(on, name, { ...property, value: made });
  }
}

function promised(real: Asked, chance: Chance): Asked {
  return async function (...args) {
    const late = chance.late();
    try {
      return await real.apply(this, args);
    } finally {
      await pause(late);
    }
  };
}

function begunLate(real: Asked, chance: Chance): Asked {
  return async function (...args) {
    await pause(chance.late());
    return await real.apply(this, args);
  };
}

function called(real: Asked, chance: Chance): Asked {
  return function (...args) {
    const callback = args.at(-1);
    if (typeof callback !== 'function') return real.apply(this, args);
    const late = (...answer: unknown[]): void => after(chance.late(), () => Reflect.apply(callback, undefined, answer));
    return real.apply(this, [...args.slice(0, -1), late]);
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => after(milliseconds, resolve));
}
