/**
 * What is used of node-postgres (`pg`), and no more. The package is installed by those who use it only, so neither the build
 * nor the declarations of surewire ask for it or for its types.
 */
declare module 'pg' {
  interface ClientConfig {
    readonly host: string;
    readonly port: number;
    readonly user?: string;
    readonly database?: string;
    readonly password?: string | (() => string | Promise<string>);
    readonly ssl: false | Readonly<Record<string, unknown>>;
    readonly sslnegotiation: 'postgres';
    readonly application_name: string;
    /** Milliseconds. */
    readonly connectionTimeoutMillis: number;
    readonly keepAlive: true;
  }

  interface Query {
    /** A statement that is prepared once a connection. */
    readonly name?: string;
    readonly text: string;
    readonly values?: readonly unknown[];
  }

  class Client {
    constructor(config: ClientConfig);
    readonly connection: { readonly stream: { destroy(): void } };
    connect(): Promise<unknown>;
    query(query: Query): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>;
    /** The process does not end while the connection is there (or may). */
    ref(): void;
    unref(): void;
    on(event: 'error', listener: (error: Error) => void): this;
    on(event: 'end', listener: () => void): this;
    end(): Promise<void>;
  }

  const pg: { readonly Client: typeof Client };

  export { Client, ClientConfig, Query };
  export default pg;
}
