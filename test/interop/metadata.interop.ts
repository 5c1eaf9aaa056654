/**
 * Metadata, proven by those who read and write it: what is published is read by wsimport and wsdl2java, Metro and CXF call services
 * knowing nothing but their ?wsdl, and the WSDL that Metro publishes configures a client here.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { SystemBinding } from '../../src/binding/assemble.ts';
import { basicHttp, ws2007Http, wsHttp } from '../../src/binding/bindings.ts';
import {
  messageSecurity,
  noSecurity,
  transportSecurity,
  transportWithMessageCredential,
} from '../../src/binding/security.ts';
import { connect } from '../../src/channel/binding.ts';
import { bindingFromWsdl } from '../../src/metadata/import.ts';
import { publish } from '../../src/metadata/publish.ts';
import { unsafeSuiteSha1 } from '../../src/security/algorithm-suites.ts';
import { client } from '../../src/service/client.ts';
import { contract, requestReply } from '../../src/service/contract.ts';
import { dispatcher } from '../../src/service/dispatcher.ts';
import { host } from '../../src/service/host.ts';
import { record, text } from '../../src/service/shape.ts';
import { orders } from '../binding/rig.ts';
import { certificates } from './certificates.ts';
import { plain } from './course.ts';
import { buildJava } from './java-build.ts';
import { type JavaCourse, startJava } from './java-peer.ts';
import { parties } from './parties.ts';
import { type Scenario, scenario, unclaimed, withPeer } from './suite.ts';
import { keyOf } from './surewire-party.ts';
import { buildFolder, run } from './tools.ts';

const user = { user: 'alice', password: 'correct horse', form: 'text' } as const;
const passwords = { password: (name: string) => (name === user.user ? user.password : undefined) };

/** The interop contract of the Java stacks (test/interop/metro/Description.java). */
const interop = contract({
  name: 'interop',
  namespace: 'urn:surewire:interop',
  operations: {
    echo: requestReply({
      request: record({ text }),
      reply: record({ text }),
      element: 'echo',
      action: 'urn:surewire:interop/echo',
      replyAction: 'urn:surewire:interop/echoResponse',
    }),
  },
});

await withPeer(
  'metadata',
  async () => {
    const [tls, messages] = await Promise.all([certificates(), parties()]);
    const keys = { messages, tls };
    const tools = await buildJava('wsdl');
    const [reader = ''] = tools.split(':');
    const stacks = { metro: await buildJava('metro', { common: true }), cxf: await buildJava('cxf', { common: true }) };
    return { keys, tools, reader, stacks, metro: await startJava('metro', keys) };
  },
  ({ keys, tools, reader, stacks, metro }) => {
    afterAll(() => metro.stop());
    const { tls, messages } = keys;
    const server = { cert: tls.certificate, key: tls.key };
    const password = (more: object) =>
      transportWithMessageCredential({
        clientCredentialType: 'UserName',
        algorithmSuite: 'Basic256',
        unsafe: [unsafeSuiteSha1],
        passwords,
        ...more,
      });
    const service = keyOf(messages.of.service);
    const certificatesOfBoth = { key: service, peer: messages.of.client.certificate };
    const mutual = (more: object) =>
      messageSecurity({
        clientCredentialType: 'Certificate',
        negotiateServiceCredential: false,
        algorithmSuite: 'Basic256Sha256',
        ...certificatesOfBoth,
        ...more,
      });
    const once = { establishSecurityContext: false } as const;
    const bindings: readonly (readonly [name: string, make: () => SystemBinding])[] = [
      ['basicHttp', () => basicHttp()],
      ['ws2007Http without security', () => ws2007Http({ security: noSecurity })],
      [
        'ws2007Http over HTTPS',
        () => ws2007Http({ security: transportSecurity({ clientCredentialType: 'None' }), tls: server }),
      ],
      ['ws2007Http, reliable session 1.1', () => ws2007Http({ security: noSecurity, reliableSession: true })],
      ['wsHttp, reliable session 1.0', () => wsHttp({ security: noSecurity, reliableSession: true })],
      ['ws2007Http, password over HTTPS', () => ws2007Http({ security: password(once), tls: server })],
      ['ws2007Http, password over HTTPS, security context', () => ws2007Http({ security: password({}), tls: server })],
      [
        'ws2007Http, password over HTTPS, security context, reliable session 1.1',
        () => ws2007Http({ security: password({}), reliableSession: true, tls: server }),
      ],
      [
        'wsHttp, password over HTTPS, security context, reliable session 1.0',
        () => wsHttp({ security: password({}), reliableSession: true, tls: server }),
      ],
    ];
    const generated: typeof bindings = [
      ...bindings,
      ['ws2007Http, mutual certificates', () => ws2007Http({ security: mutual(once) })],
      [
        'wsHttp, mutual certificates, security context, reliable session 1.0',
        () => wsHttp({ security: mutual({}), reliableSession: true }),
      ],
    ];
    const row = (name: string, direction: string, version: string = '1.2'): Scenario => ({
      peer: 'metadata',
      version,
      scenario: name,
      direction,
    });

    const java = (classPath: string, ...args: readonly string[]) =>
      run('java', ['-XX:TieredStopAtLevel=1', '-Dsun.net.http.retryPost=false', '-cp', classPath, ...args]);
    const generators = {
      wsimport: ['com.sun.tools.ws.WsImport', '-quiet', '-extension', '-Xnocompile'],
      wsdl2java: ['org.apache.cxf.tools.wsdlto.WSDLToJava'],
    } as const;
    for (const [tool, command] of Object.entries(generators)) {
      for (const version of ['1.2', '1.5'] as const) {
        // The two versions differ in a namespace and in how addressing is said.
        for (const [name, make] of version === '1.2' ? generated : generated.slice(-1)) {
          scenario(row(`code is generated for ${name}`, `surewire -> ${tool}`, version), async () => {
            const folder = join(buildFolder, `wsdl-${process.pid}`);
            await rm(folder, { recursive: true, force: true });
            await mkdir(folder, { recursive: true });
            const told = publish(make(), orders, { policy: version })(new URL('https://orders.example/soap')).document(
              'wsdl',
            );
            const file = join(folder, 'orders.wsdl');
            await writeFile(file, told?.body ?? '');
            await java(tools, ...command, '-d', folder, file);
            const made = await run('find', [folder, '-name', '*.java']);
            expect(made).toMatch(/\/Place\.java/);
            expect(made).toMatch(/\/PlaceResponse\.java/);
            await rm(folder, { recursive: true });
          });
        }
      }
    }

    const payload = '<Place xmlns="urn:example:orders"><sku>A-1</sku><quantity>2</quantity></Place>';
    for (const [stack, classPath] of Object.entries(stacks)) {
      for (const [name, make] of bindings) {
        const title = row(`a client that knows ?wsdl only calls ${name}`, `surewire -> ${stack}`);
        if (stack === 'cxf' && name.startsWith('wsHttp,')) {
          unclaimed(title, 'cxf-client-wsdl-addressing');
          continue;
        }
        scenario(title, async () => {
          const via = make();
          const scheme = via.description.transport.tls ? 'https' : 'http';
          const receive = dispatcher(orders, {
            place: ({ quantity }) => ({ number: 1_000 + quantity }),
            cancel: () => undefined,
          });
          await using hosted = await host([
            {
              binding: via,
              url: new URL(`${scheme}://127.0.0.1:0/orders`),
              receive,
              publication: publish(via, orders),
            },
          ]);
          const secured = via.description.security !== undefined;
          const said = await java(
            `${reader}:${classPath}`,
            'surewire.wsdl.Reader',
            tls.authorityFile,
            `${hosted.url.href}?wsdl`,
            'OrdersService',
            'OrdersPort',
            secured ? user.user : '',
            secured ? user.password : '',
            payload,
          );
          expect(said).toContain('<number>1002</number>');
        });
      }
    }

    const courses: readonly JavaCourse[] = (['1.0', '1.1'] as const).flatMap((version) => [
      { ...plain, version, operation: 'echo' as const },
      { ...plain, version, operation: 'echo' as const, secure: true },
      { ...plain, version, operation: 'echo' as const, secure: true, mode: 'username' as const },
      { ...plain, version, operation: 'echo' as const, mode: 'sign-encrypt' as const },
      { ...plain, version, operation: 'echo' as const, mode: 'mutual' as const },
    ]);
    for (const course of courses) {
      const how = [course.secure ? 'HTTPS' : 'HTTP', course.mode ?? 'no message security'].join(', ');
      scenario(
        row(
          `a client is made of the WSDL of a reliable session ${course.version} over ${how}`,
          'metro -> surewire',
          '1.5',
        ),
        async () => {
          const serving = await metro.serve(course);
          try {
            const via = await bindingFromWsdl(`${serving.url.href}?wsdl`, undefined, {
              tls: { ca: tls.authority },
              username: { user: 'alice', password: 'secret', form: 'text' },
              key: keyOf(messages.of.client),
              peer: messages.of.service.certificate,
              suiteReading: 'as-written',
              unsafe: [unsafeSuiteSha1],
            });
            expect(via.description.reliableSession?.version.name).toBe(course.version === '1.1' ? '200702' : '2005/02');
            await using calls = client(interop, connect(via, serving.url));
            expect(await calls.echo({ text: 'hello' })).toEqual({ text: 'hello' });
          } finally {
            await serving.stop();
          }
        },
      );
    }
  },
);
