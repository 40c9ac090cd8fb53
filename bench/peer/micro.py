"""Single operations in eager PyTorch on a CPU: the peer of `scantling bench` for the parts of a training step.

Prints one JSON line per measurement: {name, ms, gflops?}. `ms` is the median of the timed calls after two
warm-ups; `gflops` is 10^9 floating point operations a second, a multiply and an add counted as two, a causal
attention's masked half not counted. Needs PyTorch 2.0 or later and no other file; knows nothing of Scantling.

Names: `product MxNxK` is C(M,N) = A(M,K) B(K,N); `A^T` and `B^T` say which operand is stored transposed.
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F

# M, N, K, A stored transposed, B stored transposed: the products of W1 and W2 (forward, input and weight gradient), and a cube.
PRODUCTS = [
    (16384, 512, 128, False, True),
    (16384, 128, 128, False, True),
    (16384, 128, 256, False, False),
    (128, 128, 16384, True, False),
    (2048, 1536, 384, False, True),
    (2048, 384, 1536, False, False),
    (384, 1536, 2048, True, False),
    (1024, 1024, 1024, False, False),
]
BATCHED_PRODUCTS = [(1024, 128, 128, 16), (1024, 128, 16, 128)]  # batch, M, N, K
ATTENTION = [(128, 8, 128, 16), (8, 6, 256, 64), (2, 8, 1024, 64)]  # B, H, T, S
ROWS = [(16384, 128), (131072, 128), (2048, 384)]
RECURRENCES = [(16, 128, 512), (4, 2048, 512)]  # B, T, D
SCANS = [(4, 512, 256, 16)]  # B, T, D, state


def median_ms(call, repeats):
    call()
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def report(name, ms, flops=None):
    line = {"name": name, "ms": ms}
    if flops is not None:
        line["gflops"] = flops / ms / 1e6
    print(json.dumps(line), flush=True)


def leaf(*shape):
    return torch.randn(shape).requires_grad_()


def backward_call(function, inputs):
    """One forward and backward with gradients of every input, from a fixed gradient of the output."""
    with torch.no_grad():
        output_gradient = torch.randn_like(function(*inputs))

    def call():
        for x in inputs:
            x.grad = None
        function(*inputs).backward(output_gradient)

    return call


def forward_call(function, inputs):
    def call():
        with torch.no_grad():
            function(*inputs)

    return call


def products(repeats):
    for M, N, K, a_transposed, b_transposed in PRODUCTS:
        a = torch.randn(K, M).t() if a_transposed else torch.randn(M, K)
        b = torch.randn(N, K).t() if b_transposed else torch.randn(K, N)
        out = torch.empty(M, N)
        name = f"product {M}x{N}x{K}" + (" A^T" if a_transposed else "") + (" B^T" if b_transposed else "")
        report(name, median_ms(lambda: torch.mm(a, b, out=out), repeats), 2 * M * N * K)
    for batch, M, N, K in BATCHED_PRODUCTS:
        a, b, out = torch.randn(batch, M, K), torch.randn(batch, K, N), torch.empty(batch, M, N)
        report(f"product {batch}x{M}x{N}x{K}", median_ms(lambda: torch.bmm(a, b, out=out), repeats), 2 * batch * M * N * K)


def attention(repeats):
    def attend(q, k, v):
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)

    for B, H, T, S in ATTENTION:
        # Stored (B, T, H, S) and seen as (B, H, T, S), as in a model.
        inputs = [torch.randn(B, T, H, S).transpose(1, 2).requires_grad_() for _ in range(3)]
        flops = 2 * 2 * B * H * S * T * (T + 1) / 2
        name = f"attention {B}x{H}x{T}x{S}"
        report(f"{name} forward", median_ms(forward_call(attend, inputs), repeats), flops)
        # Forward has 2 products; backward 4 and the scores once more.
        report(f"{name} forward+backward", median_ms(backward_call(attend, inputs), repeats), 3.5 * flops)


def rows(repeats):
    for n, D in ROWS:
        x, weight, bias = leaf(n, D), leaf(D), leaf(D)
        cases = {
            "layer norm": (lambda x, w, b: F.layer_norm(x, (D,), w, b), [x, weight, bias]),
            "rms norm": (
                lambda x, w: x * (w * torch.rsqrt(torch.linalg.vector_norm(x, dim=-1, keepdim=True).square() / D + 1e-5)),
                [x, weight],
            ),
            "softmax": (lambda x: torch.softmax(x, -1), [x]),
        }
        for name, (function, inputs) in cases.items():
            report(f"{name} {n}x{D} forward", median_ms(forward_call(function, inputs), repeats))
            report(f"{name} {n}x{D} forward+backward", median_ms(backward_call(function, inputs), repeats))


def adamw(repeats):
    n = 10_000_000
    for fused in (True, False):
        parameter = torch.nn.Parameter(torch.rand(n))
        parameter.grad = torch.rand(n)
        try:
            optimizer = torch.optim.AdamW([parameter], lr=1e-3, weight_decay=0.1, fused=fused)
            optimizer.step()
        except (TypeError, RuntimeError):  # before 2.4 there is no fused AdamW for CPU
            continue
        report(f"adamw {n}" + (" fused" if fused else ""), median_ms(optimizer.step, repeats))


class LinearRecurrence(torch.autograd.Function):
    """h_t = a_t h_(t-1) + b_t, h_0 = b_0, over (T, B, D): an in-place loop with its backward written by hand."""

    @staticmethod
    def forward(ctx, a, b):
        h = b.clone()
        for t in range(1, len(h)):
            h[t].addcmul_(a[t], h[t - 1])
        ctx.save_for_backward(a, h)
        return h

    @staticmethod
    def backward(ctx, gradient):
        a, h = ctx.saved_tensors
        db = gradient.clone()
        for t in range(len(h) - 1, 0, -1):
            db[t - 1].addcmul_(a[t], db[t])
        da = torch.zeros_like(a)
        torch.mul(db[1:], h[:-1], out=da[1:])
        return da, db


def recurrences(repeats):
    for B, T, D in RECURRENCES:
        inputs = [torch.rand(T, B, D).requires_grad_(), leaf(T, B, D)]
        name = f"linear recurrence {B}x{T}x{D}"
        report(f"{name} forward", median_ms(forward_call(LinearRecurrence.apply, inputs), repeats))
        report(f"{name} forward+backward", median_ms(backward_call(LinearRecurrence.apply, inputs), repeats))


def selective_scan(delta, a, b, c, x):
    """h_t = exp(delta_t a) h_(t-1) + delta_t b_t x_t, y_t = c_t h_t, a loop over time under autograd.

    delta and x are (B, T, D), a is (D, N), b and c are (B, T, N). Inputs are unbound once: indexing [:, t]
    would make the backward quadratic in T.
    """
    h = torch.zeros(x.shape[0], x.shape[2], a.shape[1])
    outputs = []
    for d, b_t, c_t, x_t in zip(delta.unbind(1), b.unbind(1), c.unbind(1), x.unbind(1)):
        h = torch.exp(d[..., None] * a) * h + (d * x_t)[..., None] * b_t[:, None, :]
        outputs.append(torch.einsum("bdn,bn->bd", h, c_t))
    return torch.stack(outputs, 1)


def scans(repeats):
    for B, T, D, N in SCANS:
        delta = torch.rand(B, T, D).mul_(0.1).requires_grad_()
        inputs = [delta, torch.rand(D, N).neg_().requires_grad_(), leaf(B, T, N), leaf(B, T, N), leaf(B, T, D)]
        name = f"selective scan {B}x{T}x{D}x{N}"
        report(f"{name} forward", median_ms(forward_call(selective_scan, inputs), repeats))
        report(f"{name} forward+backward", median_ms(backward_call(selective_scan, inputs), repeats))


GROUPS = {
    "products": products,
    "attention": attention,
    "rows": rows,
    "adamw": adamw,
    "recurrences": recurrences,
    "scans": scans,
}


def main():
    p = argparse.ArgumentParser(description="Time single operations in eager PyTorch on CPU.")
    p.add_argument("groups", nargs="*", metavar="GROUP", help=f"any of {', '.join(GROUPS)}; all of them by default")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--repeats", type=int, default=9, help="timed calls of each operation")
    o = p.parse_args()
    unknown = [g for g in o.groups if g not in GROUPS]
    if unknown:
        p.error(f"unknown group {unknown[0]}; there are {', '.join(GROUPS)}")
    torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    for name in o.groups or GROUPS:
        GROUPS[name](o.repeats)


if __name__ == "__main__":
    main()
