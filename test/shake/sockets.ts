/**
 * What is written to a socket or a pipe goes out late and in pieces, and what comes in is read late: each socket in its order,
 * and none in step with another.
 */
import net from 'node:net';
import { Readable } from 'node:stream';
import { after, type Chance } from './chance.ts';

type Written = (error?: Error | null) => void;

/** Of writes; the rest goes out whole. */
const inPieces = 0.1;

export function lateSockets(chance: Chance): void {
  const socket = net.Socket.prototype;
  const { _write: write, _writev: writev, _destroy: destroying, destroy } = socket;
  const leaving = new WeakMap<net.Socket, () => void>();
  const arriving = new WeakMap<net.Socket, unknown[]>();

  /** Later, or when the socket is destroyed: what the system has taken goes out all the same. */
  const leave = (from: net.Socket, go: () => void): void => {
    let gone = false;
    const once = (): void => {
      if (gone) return;
      gone = true;
      leaving.delete(from);
      go();
    };
    leaving.set(from, once);
    // What a process prints is written when it ends.
    after(isStandard(from) ? 0 : chance.late(), once);
  };

  const arrive = (at: net.Socket): void => {
    const chunks = arriving.get(at) ?? [];
    arriving.delete(at);
    for (const chunk of chunks) Readable.prototype.push.call(at, chunk);
    // As Node does, so that the end is known though nobody reads.
    if (chunks.includes(null)) at.read(0);
  };

  socket._write = function (chunk: unknown, encoding: BufferEncoding, written: Written): void {
    if (!Buffer.isBuffer(chunk) || chunk.length < 2 || chance.fraction() >= inPieces) {
      leave(this, () => write.call(this, chunk, encoding, written));
      return;
    }
    const cut = 1 + Math.floor(chance.fraction() * (chunk.length - 1));
    const rest = (error?: Error | null): void => {
      if (error) written(error);
      else leave(this, () => write.call(this, chunk.subarray(cut), encoding, written));
    };
    leave(this, () => write.call(this, chunk.subarray(0, cut), encoding, rest));
  };

  socket._writev = function (chunks: { chunk: unknown; encoding: BufferEncoding }[], written: Written): void {
    leave(this, () => writev?.call(this, chunks, written));
  };

  socket._destroy = function (error: Error | null, done: Written): void {
    leaving.get(this)?.();
    destroying.call(this, error, done);
  };

  socket.push = function (chunk: unknown, encoding?: BufferEncoding): boolean {
    const waiting = arriving.get(this);
    if (waiting !== undefined) {
      waiting.push(chunk);
      return true;
    }
    const late = chance.late();
    if (late <= 0) return Readable.prototype.push.call(this, chunk, encoding);
    arriving.set(this, [chunk]);
    after(late, () => arrive(this));
    return true;
  };

  socket.destroy = function (error?: Error | null): net.Socket {
    // A connection that was reset is read to its end first.
    if (error && 'syscall' in error && error.syscall === 'read') arrive(this);
    return destroy.call(this, error ?? undefined);
  };
}

function isStandard(socket: net.Socket): boolean {
  return '_isStdio' in socket && socket._isStdio === true;
}
