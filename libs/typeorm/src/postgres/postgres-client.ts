/**
 * What of pg is used: its client, the socket below, the result of a statement.
 *
 * Of the driver the framework knows no more; another one that offers the same will do.
 */
export interface StatementResult {
  readonly command: string;
  readonly rowCount: number | null;
  // biome-ignore lint/suspicious/noExplicitAny: rows have the shape of their statement
  readonly rows: any[];
}

export interface ClientSocket {
  readonly destroyed?: boolean;
  cork?(): void;
  uncork?(): void;
  destroy?(): void;
  setKeepAlive?(on: boolean, delayMs: number): void;
}

/** The part of pg's Client that is used. */
export interface PostgresClient {
  query(text: string, values?: readonly unknown[]): Promise<StatementResult>;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  removeListener(event: 'error', listener: (error: unknown) => void): unknown;
  readonly processID?: number | null;
  readonly secretKey?: number | null;
  readonly host?: string;
  readonly port?: number;
  /** True where it sends statements without waiting for earlier answers. */
  readonly pipeline?: boolean;
  readonly connection?: { readonly stream?: ClientSocket };
}
