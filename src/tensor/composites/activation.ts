// Activation functions, element by element.
import { abs, add, erf, exp, log, maximum, multiply, negate, sigmoid, square } from "../ops/elementwise.ts";
import type { Tensor } from "../tensor.ts";

/** max(x, 0). */
export function relu(x: Tensor): Tensor {
  return maximum(x, 0);
}

/** max(x, 0)². So et al. 2021 (Primer). */
export function squaredRelu(x: Tensor): Tensor {
  return square(relu(x));
}

/** x·σ(x). Elfwing et al. 2017. */
export function silu(x: Tensor): Tensor {
  return multiply(x, sigmoid(x));
}

/** log(1 + eˣ) without overflow; its gradient is exactly ½ at 0. Dugas et al. 2001. */
export function softplus(x: Tensor): Tensor {
  const magnitude = abs(x);
  return add(multiply(add(x, magnitude), 0.5), log(add(exp(negate(magnitude)), 1)));
}

/** x·Φ(x) with the normal distribution function Φ. Hendrycks and Gimpel 2016. */
export function gelu(x: Tensor): Tensor {
  return multiply(multiply(x, 0.5), add(erf(multiply(x, Math.SQRT1_2)), 1));
}

/** GELU by the tanh approximation of the same paper, section 2, with (1 + tanh u) / 2 written as σ(2u). */
export function geluTanh(x: Tensor): Tensor {
  const linear = 2 * Math.sqrt(2 / Math.PI);
  return multiply(x, sigmoid(multiply(x, add(multiply(square(x), 0.044715 * linear), linear))));
}

/** silu(gate)·value. Shazeer 2020, equation 6, after the two projections. */
export function swiglu(gate: Tensor, value: Tensor): Tensor {
  return multiply(silu(gate), value);
}
