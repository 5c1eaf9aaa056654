/** The rows of the system-provided bindings against the table of WCF's documentation, cell by cell. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describe as describeRow } from '../../src/binding/describe.ts';
import { defaultReliable } from '../../src/binding/description.ts';
import { type MessageCredentialType, modesOfCredential } from '../../src/binding/names.ts';
import { type BindingRow, bindingRows, defaultLimits, foreignBindings } from '../../src/binding/rows.ts';
import { noSecurity } from '../../src/binding/security.ts';
import { messageSecurityVersions } from '../../src/binding/security-versions.ts';
import { settingsOf } from '../../src/reliable/settings.ts';

const file = resolve(import.meta.dirname, '../../../shared/facts/wcf-documentation.md');
const there = existsSync(file);
if (!there) console.info(`rows of the WCF documentation skipped: ${file} is absent`);
const facts = there ? readFileSync(file, 'utf8') : '';

/** The cells of a row of the table of section 2, by the name of its binding. */
function cells(of: BindingRow): readonly string[] {
  const name = `${of.kind.charAt(0).toUpperCase()}${of.kind.slice(1)}`.replace('Ws', 'WS');
  const line = facts.split('\n').find((one) => one.startsWith(`| ${name} `)) ?? '';
  return line.split('|').map((cell) => cell.trim().replaceAll('**', ''));
}

const documented = Object.values(bindingRows).filter(({ kind }) => kind !== 'basicHttpsBinding');

describe.skipIf(!there)('the table of the WCF documentation, section 2', () => {
  test.each(documented)('$kind', (row) => {
    const [, name, transport, encoding, versions, modes, sessions, reliable, ordered, rm, trust, , duplex] = cells(row);
    expect(name).toBeTruthy();
    expect(transport?.includes('HTTP only (2 connections)')).toBe(row.transport === 'dual');
    const usual = /\((\w+)\)/.exec(encoding ?? '')?.[1];
    expect(row.encodings[0]).toBe(usual === 'MTOM' ? 'Mtom' : usual);
    expect(versions?.startsWith(row.soap.name)).toBe(true);
    expect(versions?.includes('none')).toBe(row.addressing === undefined);
    expect(row.modes[0]).toBe(/\((\w+)\)/.exec(modes ?? '')?.[1]);
    const short = (mode: string) => (mode === 'TransportWithMessageCredential' ? 'TWMC' : mode);
    const listed = (modes ?? '').replace(/[()…]/g, '').split(' ');
    for (const mode of listed) expect(row.modes.map(short)).toContain(mode);
    const word = { no: /^no$/, optional: /^optional, off/, always: /^always on/ }[row.reliable];
    expect(reliable).toMatch(word);
    if (row.reliable !== 'no') {
      expect(ordered).toBe(String(defaultReliable.ordered));
      expect(rm).toBe(row.reliableVersion.name === '200702' ? '1.1' : 'Feb2005');
    }
    if (trust?.includes('SP')) {
      expect(trust.startsWith('1.3')).toBe(row.versions.conversation.name === '200512');
      expect(trust.endsWith(`SP${row.versions.policy}`)).toBe(true);
    }
    expect(/\bSC\b/.test(sessions ?? '')).toBe(row.context !== 'never');
    expect(sessions?.startsWith('(RS)+SC')).toBe(row.context === 'always');
    const calls = { no: /^no$/, always: /^yes/, websocket: /^with WebSocket$/ }[row.duplex];
    expect(duplex).toMatch(calls);
  });

  test('what the ws bindings protect with where nothing is said (B2.5)', () => {
    const [, type = '', negotiates, suite, context] =
      /clientCredentialType=(\w+)`, `negotiateServiceCredential=(\w+)`, `algorithmSuite=Default` \(= (\w+)\), `establishSecurityContext=(\w+)`/.exec(
        facts,
      ) ?? [];
    expect([negotiates, context]).toEqual(['true', 'true']);
    for (const kind of ['wsHttpBinding', 'ws2007HttpBinding', 'wsDualHttpBinding'] as const) {
      const row = bindingRows[kind];
      expect(row.messageCredentials[0]).toBe(type);
      const { security } = describeRow(row, {});
      expect(security).toMatchObject({ mode: 'SecureConversation', suite, requireCancellation: true });
      expect(security?.bootstrap?.mode).toBe(modesOfCredential[row.messageCredentials[0] ?? 'None'].negotiated);
    }
  });

  test('the mode of each credential (B2.6), cell by cell', () => {
    const table = facts.slice(facts.indexOf('B2.6'), facts.indexOf('B2.7'));
    for (const type of Object.keys(modesOfCredential) as MessageCredentialType[]) {
      const line = table.split('\n').find((one) => one.trim().startsWith(`| ${type} |`)) ?? '';
      const [over, negotiated, direct] = line
        .split('|')
        .map((cell) => /^\w+/.exec(cell.trim())?.[0])
        .slice(2);
      const { transport = 'not', ...rest } = modesOfCredential[type];
      expect({ transport, ...rest }, type).toEqual({ transport: over, negotiated, direct });
    }
  });

  test('the reliable session is off until it is asked for, but in wsDualHttp (B2.2)', () => {
    for (const row of documented) {
      const settings = { security: noSecurity };
      const { reliableSession } = describeRow(row, row.modes.includes('None') ? settings : {});
      expect(reliableSession !== undefined, row.kind).toBe(row.reliable === 'always');
    }
  });

  test('MessageSecurityVersion has the six values, and the rows have theirs (B2.4)', () => {
    expect(new Set(messageSecurityVersions.map(({ name }) => name)).size).toBe(6);
    expect(bindingRows.wsHttpBinding.versions.name).toBe(/WSFed = `(\w+)`/.exec(facts)?.[1]);
    expect(bindingRows.ws2007HttpBinding.versions.name).toBe(/WS2007\* = `(\w+)`/.exec(facts)?.[1]);
  });

  test('every binding of the table is a row, or has a word on what comes nearest', () => {
    const table = facts.slice(facts.indexOf('# 2. System-provided'), facts.indexOf('Facts that matter for a clone'));
    const names = [...table.matchAll(/^\| ([A-Z]\w+Binding)\b/gm)].map(([, name = '']) => name);
    expect(names.length).toBe(13);
    const known = new Set(
      [...Object.keys(bindingRows), ...Object.keys(foreignBindings)].map((one) => one.toLowerCase()),
    );
    expect(names.filter((name) => !known.has(name.toLowerCase()))).toEqual([]);
  });

  test('limits and settings of the reliable session (B2.10, section 3)', () => {
    const span = (text: string) => {
      const [hours = 0, minutes = 0, seconds = 0] = text.split(':').map(Number);
      return (hours * 3600 + minutes * 60 + seconds) * 1000;
    };
    const [, short = '', long = '', size = ''] =
      /openTimeout\/closeTimeout\/sendTimeout ([\d:]+), receiveTimeout ([\d:]+), maxReceivedMessageSize (\d+)/.exec(
        facts,
      ) ?? [];
    expect(defaultLimits).toEqual({
      openTimeout: span(short),
      closeTimeout: span(short),
      sendTimeout: span(short),
      receiveTimeout: span(long),
      maxReceivedMessageSize: Number(size),
    });
    const value = (name: string) => new RegExp(`^\\| \`${name}\`[^|]*\\| ([^|]+?) \\|`, 'm').exec(facts)?.[1] ?? '';
    expect(defaultReliable).toEqual({
      ordered: value('Ordered') === 'true',
      inactivityTimeout: span(value('InactivityTimeout')),
      acknowledgementInterval: span(value('AcknowledgementInterval')),
      flowControlEnabled: value('FlowControlEnabled') === 'true',
      maxPendingChannels: Number(value('MaxPendingChannels')),
      maxRetryCount: Number(value('MaxRetryCount')),
      maxTransferWindowSize: Number(value('MaxTransferWindowSize')),
    });
    expect(settingsOf({})).toMatchObject(defaultReliable);
  });
});
