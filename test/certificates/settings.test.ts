import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_SETTINGS, readPkiSettings } from '../../src/certificates/settings.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'surewire-pki-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('the configuration file', () => {
  const config = (text: string): string => {
    const path = join(root, 'pki.config.json');
    writeFileSync(path, text);
    return path;
  };

  test('the committed one says the defaults', async () => {
    const committed = fileURLToPath(new URL('../../certs-dev/pki.config.json', import.meta.url));
    expect(await readPkiSettings(committed)).toEqual(DEFAULT_SETTINGS);
  });

  test('settings that it does not name are absent', async () => {
    expect(await readPkiSettings(config('{"days": 7, "hosts": ["LOCALHOST", "A.example"]}'))).toEqual({
      days: 7,
      hosts: ['a.example'],
    });
  });

  test.each([
    ['CERTIFICATES_CONFIGURATION_UNREADABLE', '{'],
    ['CERTIFICATES_SETTING_INVALID', '[]'],
    ['CERTIFICATES_SETTING_INVALID', 'null'],
    ['CERTIFICATES_SETTING_INVALID', '{"__proto__": {"days": 1}}'],
    ['CERTIFICATES_SETTING_INVALID', '{"dayz": 1}'],
    ['CERTIFICATES_DAYS_INVALID', '{"days": "1"}'],
    ['CERTIFICATES_HOST_INVALID', '{"hosts": ["a b"]}'],
  ])('%s: %s', async (code, text) => {
    await expect(readPkiSettings(config(text))).rejects.toMatchObject({ code });
  });

  test('CERTIFICATES_CONFIGURATION_UNREADABLE: it is not there', async () => {
    await expect(readPkiSettings(join(root, 'missing.json'))).rejects.toMatchObject({
      code: 'CERTIFICATES_CONFIGURATION_UNREADABLE',
      message: expect.stringContaining('missing.json'),
    });
  });
});
