// What became of an input: accepted, refused as it should be, or a fault. Knows no input.

const typed = ["RequestError", "WorkError"];

/**
 * @param {() => unknown} run
 * @param {readonly string[]} also errors that are as good as the library's own
 * @returns {Promise<{ outcome: string, bad?: string }>} `bad`: what makes it a fault
 */
export async function outcomeOf(run, also = []) {
  try {
    await run();
    return { outcome: "accepted" };
  } catch (error) {
    return fault(error, also);
  }
}

/** @param {unknown} error @param {readonly string[]} also */
function fault(error, also) {
  if (!(error instanceof Error)) return { outcome: "threw no error", bad: String(error) };
  const { name, message, stack } = error;
  if (![...typed, ...also].includes(name))
    return { outcome: `untyped: ${name}`, bad: String(stack).slice(0, 600) };
  if (/\n/.test(message)) return { outcome: "several lines", bad: message.slice(0, 600) };
  if (message.length > 1500) return { outcome: "a very long message", bad: message.slice(0, 600) };
  return { outcome: name };
}
