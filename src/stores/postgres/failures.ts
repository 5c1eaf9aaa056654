/**
 * What a failure of PostgreSQL, or of the way to it, means to the user of the store. What the server says besides its message
 * (`detail` quotes rows) is left behind: it may hold what was to be stored.
 */
import { asError } from '../../base/errors.ts';
import { StoreError } from '../errors.ts';

/** Classes and codes of SQLSTATE (PostgreSQL, appendix A) that have a meaning of their own here. */
const DISK_FULL = '53100';
const OUT_OF_MEMORY = '53200';
const TOO_LARGE = /^54/;
const NOT_LET_IN = /^28|^42501$/;
const NO_DATABASE = '3D000';

/** @param where the database and the store, as people are told of it */
export function databaseError(where: string, thrown: unknown): StoreError {
  if (thrown instanceof StoreError) return thrown;
  const cause = publicCause(thrown);
  const { message, code } = cause;
  if (code === DISK_FULL || code === OUT_OF_MEMORY) {
    const text = `The database has no room for this change in ${where} (${message}). Give it room, or let sessions end.`;
    return new StoreError('STORE_FULL', text, { cause });
  }
  if (TOO_LARGE.test(code)) {
    const text = 'This change cannot be stored: a message or state is too large for PostgreSQL. Send smaller messages.';
    return new StoreError('STORE_CHANGE_INVALID', text, { cause });
  }
  if (NOT_LET_IN.test(code)) return unusable(where, message, 'Check the user, its password and its rights', cause);
  if (code === NO_DATABASE) return unusable(where, message, 'Make the database, or name another', cause);
  if (/^(ERR_TLS|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_)|SSL/.test(`${code} ${message}`)) {
    const advice =
      'Name the authority of its certificate (tls.ca, or sslrootcert in the address), and write the host as the certificate has it';
    return unusable(where, message, advice, cause);
  }
  const text = `The session store ${where} cannot be reached or written (${message}). Is the database running, and is its address right?`;
  return new StoreError('STORE_UNWRITABLE', text, { cause, transient: true });
}

function unusable(where: string, message: string, advice: string, cause: Error): StoreError {
  return new StoreError('STORE_UNWRITABLE', `The session store ${where} cannot be used (${message}). ${advice}.`, {
    cause,
  });
}

/** The message and the code of a failure, without what else hangs on it. */
function publicCause(thrown: unknown): Error & { readonly code: string } {
  const error = asError(thrown);
  const inner = error instanceof AggregateError && error.errors.length > 0 ? asError(error.errors[0]) : error;
  const code = 'code' in inner && typeof inner.code === 'string' ? inner.code : '';
  return Object.assign(new Error(inner.message), { code });
}
