/** Both ends of the duplex session that the kill test kills: the same options, the same message, on a WebSocket of this machine. */
import { type Binding, binding } from '../../../src/channel/binding.ts';
import { exchange } from '../../../src/channel/correlation.ts';
import { reliableSession } from '../../../src/reliable/element.ts';
import type { ReliableSessionOptions } from '../../../src/reliable/settings.ts';
import { addressing200508 } from '../../../src/soap/addressing-versions.ts';
import { message } from '../../../src/soap/envelope.ts';
import type { Message } from '../../../src/soap/message.ts';
import { soap12 } from '../../../src/soap/version.ts';
import { sqlite } from '../../../src/stores/sqlite.ts';
import { webSocketTransport } from '../../../src/transport/websocket/transport.ts';
import { XmlWriter } from '../../../src/xml/write.ts';

export function bindingOf(path: string, options: ReliableSessionOptions): Binding {
  const session = reliableSession({ retryFloor: 100, maxRetryCount: 1_000, store: sqlite(path), ...options });
  return binding([exchange({ addressing: addressing200508 }), session], webSocketTransport());
}

export function saying(text: string): Message {
  const body = new XmlWriter().element('urn:killed', 'said', text).finish();
  return message({ version: soap12, action: 'urn:killed:say', body });
}
