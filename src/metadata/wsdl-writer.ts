/**
 * A contract and a description as WSDL 1.1: document/literal with wrapped elements, policies attached where WCF attaches them
 * (endpoint policies to the binding, message policies to the inputs and outputs of its operations).
 */
import type { BindingDescription } from '../binding/description.ts';
import type { Contract, Operation } from '../service/contract.ts';
import type { XmlFragment } from '../xml/fragment.ts';
import { XmlWriter } from '../xml/write.ts';
import { type PolicyVersion, soapHttp, soapWebSocket, wsam, wsaw, wsdl, wsdlSoap, wsu, xs } from './namespaces.ts';
import { type AssertionTree, writePolicy } from './policy-tree.ts';
import { endpointPolicy, messagePolicy } from './policy-writer.ts';
import { writeSchema } from './schema.ts';

export interface Described {
  readonly contract: Contract;
  readonly description: BindingDescription;
  /** Where clients find the service. */
  readonly address: URL;
  readonly policy: PolicyVersion;
}

/** @returns `wsdl:definitions` */
export function writeWsdl(of: Described): XmlFragment {
  const { contract, description, policy } = of;
  const endpoint = endpointPolicy(description, policy);
  const messages = messagePolicy(description);
  const writer = new XmlWriter()
    .start(wsdl, 'definitions', 'wsdl')
    .attribute('', 'name', contract.name)
    .attribute('', 'targetNamespace', contract.namespace)
    .declare('tns', contract.namespace)
    .declare('wsp', policy.namespace)
    .declare('wsu', wsu)
    .declare('wsaw', wsaw)
    .declare('wsam', wsam)
    .declare('xs', xs)
    .declare('soap', wsdlSoap[description.encoding.soap.name]);
  const write = (id: string, all: readonly AssertionTree[]): void => {
    if (all.length > 0) writePolicy(writer, policy.namespace, id, all);
  };
  write(`${contract.name}_policy`, endpoint);
  write(`${contract.name}_message_policy`, messages);
  writer.start(wsdl, 'types', 'wsdl');
  writeSchema(writer, contract);
  writer.end();
  for (const operation of contract.operations.values()) writeMessages(writer, contract, operation);
  writePortType(writer, contract);
  writeBinding(writer, of, endpoint.length > 0, messages.length > 0);
  writeService(writer, of);
  return writer.end().finish();
}

/** Name of the wsdl:message of a request, a reply or a fault. */
const messageName = (contract: Contract, operation: Operation, part: string): string =>
  `${contract.name}_${operation.element}_${part}`;

function writeMessages(writer: XmlWriter, contract: Contract, operation: Operation): void {
  const message = (name: string, part: string, element: string): void => {
    writer.start(wsdl, 'message', 'wsdl').attribute('', 'name', name);
    writer.start(wsdl, 'part', 'wsdl').attribute('', 'name', part).attribute('', 'element', `tns:${element}`).end();
    writer.end();
  };
  message(messageName(contract, operation, 'Input'), 'parameters', operation.element);
  if (operation.reply === undefined) return;
  message(messageName(contract, operation, 'Output'), 'parameters', operation.reply.element);
  for (const fault of operation.faults.keys())
    message(messageName(contract, operation, `${fault}Fault`), 'detail', fault);
}

function writePortType(writer: XmlWriter, contract: Contract): void {
  writer.start(wsdl, 'portType', 'wsdl').attribute('', 'name', contract.name);
  for (const operation of contract.operations.values()) {
    writer.start(wsdl, 'operation', 'wsdl').attribute('', 'name', operation.element);
    const part = (local: string, message: string, action: string, name?: string): void => {
      writer.start(wsdl, local, 'wsdl').attribute('', 'message', `tns:${message}`);
      if (name !== undefined) writer.attribute('', 'name', name);
      writer.attribute(wsaw, 'Action', action, 'wsaw').attribute(wsam, 'Action', action, 'wsam').end();
    };
    part('input', messageName(contract, operation, 'Input'), operation.action);
    if (operation.reply !== undefined) {
      part('output', messageName(contract, operation, 'Output'), operation.reply.action);
      for (const fault of operation.faults.keys()) {
        part('fault', messageName(contract, operation, `${fault}Fault`), operation.faultAction(fault), `${fault}Fault`);
      }
    }
    writer.end();
  }
  writer.end();
}

function writeBinding(
  writer: XmlWriter,
  { contract, description, policy }: Described,
  hasEndpoint: boolean,
  hasMessages: boolean,
): void {
  const soap = wsdlSoap[description.encoding.soap.name];
  const refer = (id: string, isThere: boolean): void => {
    if (isThere) writer.start(policy.namespace, 'PolicyReference', 'wsp').attribute('', 'URI', `#${id}`).end();
  };
  writer
    .start(wsdl, 'binding', 'wsdl')
    .attribute('', 'name', `${contract.name}Binding`)
    .attribute('', 'type', `tns:${contract.name}`);
  refer(`${contract.name}_policy`, hasEndpoint);
  const transport = description.transport.kind === 'websocket' ? soapWebSocket : soapHttp;
  writer.start(soap, 'binding', 'soap').attribute('', 'transport', transport).attribute('', 'style', 'document').end();
  for (const operation of contract.operations.values()) {
    writer.start(wsdl, 'operation', 'wsdl').attribute('', 'name', operation.element);
    writer
      .start(soap, 'operation', 'soap')
      .attribute('', 'soapAction', operation.action)
      .attribute('', 'style', 'document')
      .end();
    for (const direction of operation.reply === undefined ? ['input'] : ['input', 'output']) {
      writer.start(wsdl, direction, 'wsdl');
      refer(`${contract.name}_message_policy`, hasMessages);
      writer.start(soap, 'body', 'soap').attribute('', 'use', 'literal').end().end();
    }
    if (operation.reply !== undefined) {
      for (const fault of operation.faults.keys()) {
        writer.start(wsdl, 'fault', 'wsdl').attribute('', 'name', `${fault}Fault`);
        writer
          .start(soap, 'fault', 'soap')
          .attribute('', 'name', `${fault}Fault`)
          .attribute('', 'use', 'literal')
          .end()
          .end();
      }
    }
    writer.end();
  }
  writer.end();
}

function writeService(writer: XmlWriter, { contract, description, address }: Described): void {
  writer.start(wsdl, 'service', 'wsdl').attribute('', 'name', `${contract.name}Service`);
  writer
    .start(wsdl, 'port', 'wsdl')
    .attribute('', 'name', `${contract.name}Port`)
    .attribute('', 'binding', `tns:${contract.name}Binding`);
  writer
    .start(wsdlSoap[description.encoding.soap.name], 'address', 'soap')
    .attribute('', 'location', address.href)
    .end();
  writer.end().end();
}
