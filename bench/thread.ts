/** The other side of `threadContender`: a thread with a heap of its own that does one work of a module when asked. */
import { parentPort, workerData } from 'node:worker_threads';
import { contender } from './harness.ts';

interface Task {
  readonly module: string;
  readonly work: string;
  readonly octets: Readonly<Record<string, Uint8Array>>;
}

type Works = Readonly<Record<string, ((octets: Task['octets']) => Promise<() => unknown>) | undefined>>;

const { module, work, octets } = workerData as Task;
try {
  const { works } = (await import(module)) as { works: Works };
  const run = await works[work]?.(octets);
  if (run === undefined) throw new Error(`${module} has no work ${work}`);
  const measure = contender(run);
  parentPort?.on('message', async (milliseconds: number) => parentPort?.postMessage(await measure(milliseconds)));
  parentPort?.postMessage('ready');
} catch (error) {
  parentPort?.postMessage(`missing: ${error}`);
  parentPort?.close();
}
