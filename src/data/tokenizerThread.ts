// The library for `tokenizer.json` files in a thread of its own, called as if it were here. Such a file holds regular
// expressions and rewriting rules, which can take any time and any memory; a thread can be given only so much of both.
// Knows neither what a tokenizer is for nor what the library's errors mean to a user.

import { createRequire } from "node:module";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";

export type Request =
  | { readonly kind: "open"; readonly json: unknown; readonly unknownToken: string | undefined }
  | { readonly kind: "encode"; readonly text: string }
  | { readonly kind: "decode"; readonly ids: readonly number[] };

/** Ids are -1 where the library has none; `unknownId`, too. */
export type Reply =
  | { readonly kind: "opened"; readonly unknownId: number }
  | { readonly kind: "ids"; readonly ids: Int32Array }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "failed"; readonly why: string };

export interface TokenizerThread {
  /** Waits for the reply; undefined where time or memory did not suffice, after which the thread is of no use. */
  call(request: Request, milliseconds: number): Reply | undefined;
  end(): void;
}

// A thread that reaches its own limit of heap with one large allocation takes the process with it, so whoever waits for
// the thread looks at the process's memory and gives up long before.
const LOOK_MILLISECONDS = 10;
const HEAPS_BEFORE_GIVING_UP = 3;
const HEAP_LIMIT = 4096;

/** @param mebibytes of heap that the thread should need; it is given up at some multiple of them */
export function startTokenizerThread(mebibytes: number): TokenizerThread {
  const { port1: port, port2 } = new MessageChannel();
  const bell = new Int32Array(new SharedArrayBuffer(4));
  const library = createRequire(import.meta.url).resolve("@huggingface/tokenizers");
  const worker = new Worker(`(${serve})(require)`, {
    eval: true,
    execArgv: [],
    workerData: { port: port2, bell, library },
    transferList: [port2],
    resourceLimits: { maxOldGenerationSizeMb: Math.max(HEAP_LIMIT, 2 * HEAPS_BEFORE_GIVING_UP * mebibytes) },
  });
  // Running out of memory is met as the reply that does not come.
  worker.on("error", () => {});
  worker.unref();
  port.unref();
  return {
    call(request, milliseconds) {
      Atomics.store(bell, 0, 0);
      port.postMessage(request);
      const until = performance.now() + milliseconds;
      const most = process.memoryUsage.rss() + HEAPS_BEFORE_GIVING_UP * mebibytes * 2 ** 20;
      while (Atomics.wait(bell, 0, 0, LOOK_MILLISECONDS) === "timed-out") {
        if (performance.now() > until || process.memoryUsage.rss() > most) break;
      }
      const received = receiveMessageOnPort(port) as { message: Reply } | undefined;
      return received?.message;
    },
    end: () => void worker.terminate(),
  };
}

/** What the thread runs. It reaches the thread as text, so it uses nothing from outside itself. */
function serve(load: NodeJS.Require): void {
  const { workerData } = load("node:worker_threads") as { workerData: ThreadData };
  const { port, bell, library } = workerData;
  const { Tokenizer } = load(library) as typeof import("@huggingface/tokenizers");
  console.warn = () => {};
  let tokenizer: InstanceType<typeof Tokenizer>;
  const answer = (request: Request): Reply => {
    switch (request.kind) {
      case "open": {
        const { json, unknownToken } = request;
        // Word-level models take their unknown token from the second; spaces must come back as they were.
        const options = { unk_token: unknownToken, clean_up_tokenization_spaces: false };
        tokenizer = new Tokenizer(json as object, options);
        const unknownId = unknownToken === undefined ? undefined : tokenizer.token_to_id(unknownToken);
        return { kind: "opened", unknownId: unknownId ?? -1 };
      }
      case "encode": {
        const found = tokenizer.encode(request.text, { add_special_tokens: false }).ids;
        return {
          kind: "ids",
          ids: Int32Array.from(found, (id: unknown) => (Number.isInteger(id) ? Number(id) : -1)),
        };
      }
      case "decode": {
        const text = tokenizer.decode([...request.ids], { skip_special_tokens: false });
        if (typeof text !== "string") throw new TypeError("what comes out is no text");
        return { kind: "text", text };
      }
    }
  };
  port.on("message", (request: Request) => {
    let reply: Reply;
    try {
      reply = answer(request);
    } catch (error) {
      reply = { kind: "failed", why: String(error instanceof Error ? error.message : error) };
    }
    port.postMessage(reply);
    Atomics.store(bell, 0, 1);
    Atomics.notify(bell, 0);
  });
}

interface ThreadData {
  readonly port: MessagePort;
  readonly bell: Int32Array;
  readonly library: string;
}
