/** Recorded messages as others would have logged them: samples of our own making in foreign formats. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MessageRecord } from '../../src/audit/transcript/record.ts';
import { folder } from './support.ts';
import { text } from './tampering.ts';

type Messages = readonly MessageRecord[];

const status = ({ leg }: MessageRecord) =>
  leg === 'request' ? 'POST /orders HTTP/1.1\r\nHost: service.example' : 'HTTP/1.1 200 OK';

/** A message log of WCF, as System.ServiceModel.MessageLogging writes it at the transport level. */
export function svclog(messages: Messages): string {
  return messages
    .map((one) => {
      const [source, kind] =
        one.leg === 'request' ? ['TransportSend', 'HttpRequest'] : ['TransportReceive', 'HttpResponse'];
      return (
        '<E2ETraceEvent xmlns="http://schemas.microsoft.com/2004/06/E2ETraceEvent"><System xmlns="http://schemas.microsoft.com/2004/06/windows/eventlog/system">' +
        `<EventID>0</EventID><TimeCreated SystemTime="${one.at}" /><Source Name="System.ServiceModel.MessageLogging" />` +
        '<Correlation ActivityID="{00000000-0000-0000-0000-000000000000}" /></System><ApplicationData><TraceData><DataItem>' +
        `<MessageLogTraceRecord Time="${one.at}" Source="${source}" Type="System.ServiceModel.Channels.BufferedMessage" ` +
        `xmlns="http://schemas.microsoft.com/2004/06/ServiceModel/Management/MessageTrace"><${kind}><WebHeaders><Content-Type>application/soap+xml</Content-Type></WebHeaders></${kind}>` +
        `${text(one)}</MessageLogTraceRecord></DataItem></TraceData></ApplicationData></E2ETraceEvent>`
      );
    })
    .join('');
}

/** A HTTP Archive; each request with its reply. */
export function har(messages: Messages): string {
  const entries = messages
    .filter(({ leg }) => leg === 'request')
    .map((request) => {
      const reply = messages.find(({ leg, exchange }) => leg === 'reply' && exchange === request.exchange);
      const body = (one: MessageRecord | undefined) => (one === undefined ? '' : text(one));
      return {
        startedDateTime: request.at,
        time: reply === undefined ? 0 : Date.parse(reply.at) - Date.parse(request.at),
        request: {
          method: 'POST',
          url: 'https://service.example/orders?session=secret',
          headers: [{ name: 'Authorization', value: 'Basic c2VjcmV0' }],
          postData: { mimeType: 'application/soap+xml', text: body(request) },
        },
        response: {
          status: reply === undefined ? 202 : 200,
          content: {
            mimeType: 'application/soap+xml',
            encoding: 'base64',
            text: Buffer.from(body(reply)).toString('base64'),
          },
        },
      };
    });
  return JSON.stringify({ log: { version: '1.2', creator: { name: 'surewire', version: '0' }, entries } });
}

/** A folder of raw HTTP, some of it chunked. */
export function rawHttp(messages: Messages): string {
  const at = folder();
  const counts = new Map<number, string>();
  for (const one of messages) {
    if (!counts.has(one.exchange)) counts.set(one.exchange, String(counts.size + 1).padStart(3, '0'));
    const number = counts.get(one.exchange) ?? '';
    const body = Buffer.from(text(one));
    const half = body.length >> 1;
    const chunked = `${half.toString(16)}\r\n${body.subarray(0, half)}\r\n${(body.length - half).toString(16)}\r\n${body.subarray(half)}\r\n0\r\n\r\n`;
    const name = `${number}-${one.leg === 'request' ? 'request' : 'response'}.http`;
    const head = `${status(one)}\r\nContent-Type: application/soap+xml\r\n`;
    const framed =
      one.leg === 'request'
        ? `Content-Length: ${body.length}\r\n\r\n${body}`
        : `Transfer-Encoding: chunked\r\n\r\n${chunked}`;
    writeFileSync(join(at, name), head + framed);
  }
  return at;
}

export function envelopes(messages: Messages): string {
  const at = join(folder(), 'envelopes');
  mkdirSync(at);
  for (const [index, one] of messages.entries()) {
    writeFileSync(join(at, `${index + 1}-${one.leg}.xml`), text(one));
  }
  return at;
}

/** The log of CXF since 3.2. */
export function cxfLog(messages: Messages): string {
  return messages
    .map((one) => {
      const kind = one.leg === 'request' ? 'REQ_OUT' : 'RESP_IN';
      return `${one.at} INFO  [main] o.a.cxf.services.Orders.${kind}: ${kind}\n    Address: https://service.example/orders\n    Content-Type: application/soap+xml\n    ExchangeId: e-${one.exchange}\n    Headers: {}\n    Payload: ${text(one)}\n`;
    })
    .join('');
}

/** The log of CXF before that. */
export function olderCxfLog(messages: Messages): string {
  return messages
    .map((one) => {
      const [way, line] = one.leg === 'request' ? ['Outbound', 'Http-Method: POST'] : ['Inbound', 'Response-Code: 200'];
      return `INFO: ${way} Message\n---------------------------\nID: ${one.exchange}\n${line}\nEncoding: UTF-8\nHeaders: {}\nPayload: ${text(one)}\n--------------------------------------\n`;
    })
    .join('');
}

/** What Metro writes with `com.sun.xml.ws.transport.http.client.HttpTransportPipe.dump=true`. */
export function metroLog(messages: Messages): string {
  return messages
    .map((one) => {
      const kind =
        one.leg === 'request'
          ? 'HTTP request - https://service.example/orders'
          : 'HTTP response - https://service.example/orders - 200';
      return `---[${kind}]---\nContent-Type: application/soap+xml\n<?xml version='1.0' encoding='UTF-8'?>${text(one)}--------------------\n`;
    })
    .join('');
}
