// All ways of making new parameters, by name. Knows of each no more than it declares.
import { RequestError } from "../../errors.ts";
import type { GrowthStep } from "../steps.ts";
import type { FloatNumbers } from "../tensor.ts";
import { aki } from "./aki.ts";
import { gradMax } from "./gradMax.ts";
import { hyperCloning } from "./hyperCloning.ts";
import { interleave } from "./interleave.ts";
import { lemon } from "./lemon.ts";
import { ligo } from "./ligo.ts";
import { masked } from "./masked.ts";
import type { GrowingNetwork, GrownBy, GrowthData, GrowthMethod, MethodContext } from "./method.ts";
import { net2net } from "./net2net.ts";
import { stack } from "./stack.ts";
import { zero } from "./zero.ts";

/** In the order of lists; the first one is the default. */
export const growthMethods: readonly GrowthMethod[] = [
  zero,
  net2net,
  aki,
  hyperCloning,
  lemon,
  stack,
  interleave,
  gradMax,
  ligo,
  masked,
];

/** Errors: RequestError for a name that is not known. */
export function growthMethod(name: string): GrowthMethod {
  const found = growthMethods.find((method) => method.name === name);
  if (found !== undefined) return found;
  throw new RequestError(
    `grow: there is no method ${JSON.stringify(name)}; expected one of ${names(growthMethods)}`,
  );
}

/**
 * The network after those steps, its new parameters made by the method.
 * Errors: RequestError, one line, for a step that the method cannot take, noise without copies, a method that needs data, and
 * whatever the method itself refuses.
 */
export function growBy<N extends FloatNumbers>(
  method: GrowthMethod,
  network: GrowingNetwork<N>,
  steps: readonly GrowthStep[],
  context: MethodContext,
): GrownBy<N> {
  requireSteps(method, steps, context);
  if (!method.needsData) return method.grow(network, steps, context);
  throw new RequestError(
    `grow: the method ${method.name} looks at data, and here are none; grow a run with it, or give it data`,
  );
}

/** The same with data, for methods that look at them; the others need none. */
export async function growByData<N extends FloatNumbers>(
  method: GrowthMethod,
  network: GrowingNetwork<N>,
  steps: readonly GrowthStep[],
  context: MethodContext & { readonly data?: GrowthData | undefined },
): Promise<GrownBy<N>> {
  const { data } = context;
  if (!method.needsData || data === undefined) return growBy(method, network, steps, context);
  requireSteps(method, steps, context);
  return await method.grow(network, steps, context, data);
}

function requireSteps(
  { name, grows, twins }: GrowthMethod,
  steps: readonly GrowthStep[],
  { noise }: MethodContext,
): void {
  const refused = steps.find((step) => !grows.includes(step.grow));
  if (refused !== undefined) {
    const others = growthMethods.filter((other) => other.grows.includes(refused.grow));
    throw new RequestError(`grow: the method ${name} cannot grow ${refused.grow}; ${names(others)} can`);
  }
  if (noise !== undefined && !twins) {
    const others = growthMethods.filter((other) => other.twins);
    throw new RequestError(
      `grow: noise is given, but the method ${name} makes no twins that it could tell apart; ${names(others)} do`,
    );
  }
}

function names(methods: readonly GrowthMethod[]): string {
  return methods.map(({ name }) => name).join(", ");
}
