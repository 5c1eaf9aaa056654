/** A service that calls back for every message, until it is killed: `killed-service.ts PORT STORE`. */
import { writeSync } from 'node:fs';
import { listen } from '../../../src/channel/binding.ts';
import { callbackChannel } from '../../../src/channel/callback.ts';
import { expectsReply } from '../../../src/channel/correlation.ts';
import { delivery } from '../../../src/channel/delivery.ts';
import { position } from '../../../src/reliable/position.ts';
import { bindingOf, saying } from './killed-parts.ts';
import { textOf } from './world.ts';

const [, , port = '0', path = ''] = process.argv;
const listener = await listen(bindingOf(path, {}), new URL(`ws://127.0.0.1:${port}/box`), async (trip) => {
  const text = textOf(trip.message) ?? '';
  // Synchronous: the line is in the pipe, so it survives this process.
  writeSync(1, `served ${trip.get(position)?.number} ${text}\n`);
  await callbackChannel(trip).send(delivery(saying(`back ${text}`)).with(expectsReply, false));
  return undefined;
});
writeSync(1, `listening ${listener.url.port}\n`);
