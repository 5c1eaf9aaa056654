/** What went wrong, as the user and the shell see it. */
import { describe, expect, test } from 'vitest';
import { SurewireError } from '../../src/base/errors.ts';
import { CliError, exitCodes, failureOf } from '../../src/cli/errors.ts';

describe('exit codes', () => {
  test.each([
    ['CLI_USAGE', exitCodes.input],
    ['CLI_DOCUMENT', exitCodes.input],
    ['XML_MALFORMED', exitCodes.input],
    ['CERTIFICATES_DAYS_INVALID', exitCodes.input],
    ['CERTIFICATES_FOLDER_MIXED', exitCodes.identity],
    ['CLI_NO_CERTIFICATE', exitCodes.identity],
    ['SECURITY_DIGEST', exitCodes.identity],
    ['TRANSPORT_TLS_EXPIRED', exitCodes.identity],
    ['TRANSPORT_KEY', exitCodes.identity],
    ['TRANSPORT_ADDRESS', exitCodes.input],
    ['TRANSPORT_TIMEOUT', exitCodes.network],
    ['STORE_LOCKED', exitCodes.storage],
    ['CLI_STORE_TAKEN', exitCodes.storage],
    ['CLI_FOLDER', exitCodes.storage],
    ['CLI_INTERRUPTED', exitCodes.interrupted],
    ['RELIABLE_TERMINATED', exitCodes.failed],
    ['CLI_INCOMPLETE', exitCodes.failed],
  ])('%s is %i', (code, exitCode) => {
    expect(failureOf(new SurewireError(code, 'It happened.'))).toMatchObject({ code, exitCode });
  });
});

test('the innermost of our errors says why', () => {
  const why = new SurewireError('TRANSPORT_UNREACHABLE', 'Nobody answers.', { cause: new Error('ECONNREFUSED') });
  const failure = failureOf(new SurewireError('RELIABLE_INACTIVE', 'The session was given up.', { cause: why }));
  expect(failure.code).toBe('TRANSPORT_UNREACHABLE');
  expect(failure.message).toBe('Nobody answers. Is `surewire serve` running there?');
});

test('what the command line says itself is taken as it is', () => {
  const cause = new SurewireError('XML_MALFORMED', 'The tag does not end.');
  expect(failureOf(new CliError('CLI_DOCUMENT', 'bad.xml cannot be sent.', { cause })).code).toBe('CLI_DOCUMENT');
});

test('what nobody foresaw says so, and what to do', () => {
  const failure = failureOf(new TypeError('x is not a function'));
  expect(failure).toMatchObject({ code: 'CLI_UNEXPECTED', exitCode: exitCodes.failed });
  expect(failure.message).toMatch(/^x is not a function\. .*--verbose/);
});
