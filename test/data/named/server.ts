// A server on this machine that serves one file well or badly, and remembers what it was asked.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  readonly url: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

/** Answers one request. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse, content: Uint8Array) => void;

export interface FileServer {
  readonly address: string;
  readonly asked: Asked[];
  /** The behaviours of the next requests, one each; the last stays. */
  behave(...behaviours: Behaviour[]): void;
  close(): Promise<void>;
}

export async function serve(content: Uint8Array): Promise<FileServer> {
  const asked: Asked[] = [];
  let queue: Behaviour[] = [good];
  const server: Server = createServer((request, response) => {
    const { range, "if-range": ifRange } = request.headers;
    asked.push({ url: request.url ?? "", range, ifRange: ifRange as string | undefined });
    const behaviour = queue.length > 1 ? queue.shift()! : queue[0]!;
    behaviour(request, response, content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    behave: (...behaviours) => {
      queue = behaviours;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const tag = '"one"';

/** Ranges, and If-Range by the entity tag. */
export const good: Behaviour = (request, response, content) => {
  const found = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  const condition = request.headers["if-range"];
  response.setHeader("etag", tag);
  if (found === null || (condition !== undefined && condition !== tag)) {
    response.setHeader("content-length", content.length);
    response.end(content);
    return;
  }
  const from = Number(found[1]);
  if (from >= content.length) {
    response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
    return;
  }
  response.writeHead(206, {
    "content-range": `bytes ${from}-${content.length - 1}/${content.length}`,
    "content-length": content.length - from,
  });
  response.end(content.subarray(from));
};

/** The whole file, whatever is asked. */
export const withoutRanges: Behaviour = (_, response, content) => {
  response.setHeader("content-length", content.length);
  response.end(content);
};

export const status =
  (code: number, headers: Record<string, string> = {}): Behaviour =>
  (_, response) => {
    response.writeHead(code, headers).end("no");
  };

/** As `good`, but the connection breaks after so many bytes of the answer. */
export const breaksAfter =
  (bytes: number): Behaviour =>
  (request, response, content) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      etag: tag,
      "content-length": content.length - from,
      ...(from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
    });
    response.write(content.subarray(from, from + bytes), () => response.destroy());
  };

/** Some bytes, then silence. */
export const stallsAfter =
  (bytes: number): Behaviour =>
  (_, response, content) => {
    response.writeHead(200, { etag: tag, "content-length": content.length });
    response.write(content.subarray(0, bytes));
  };

/** Other content than was agreed on. */
export const instead =
  (other: Uint8Array, headers: Record<string, string> = {}): Behaviour =>
  (_, response) => {
    response.writeHead(200, headers);
    response.end(other);
  };

export const redirect =
  (path: string): Behaviour =>
  (_, response) => {
    response.writeHead(302, { location: path }).end();
  };

/** As `good`, but in pieces with a pause of `milliseconds` after each. */
export const slowly =
  (piece: number, milliseconds: number): Behaviour =>
  (request, response, content) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, {
      etag: tag,
      "content-length": content.length - from,
      ...(from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
    });
    let at = from;
    const timer = setInterval(() => {
      if (response.destroyed || at >= content.length) {
        clearInterval(timer);
        response.end();
        return;
      }
      response.write(content.subarray(at, at + piece));
      at += piece;
    }, milliseconds);
  };
