/** Turns of Node's event loop: requests that different connections brought in one are answered in view of one another. */
import type { Turn } from '../../channel/turn.ts';

class EventLoop implements Turn {
  #tasks: (() => void)[] = [];

  atEnd(task: () => void): void {
    if (this.#tasks.push(task) === 1) setImmediate(this.#end);
  }

  readonly #end = (): void => {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
  };
}

export const eventLoop: Turn = new EventLoop();
