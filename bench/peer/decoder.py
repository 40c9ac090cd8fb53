"""One training run of a decoder Transformer in eager PyTorch: the peer of `scantling bench`.

Prints one JSON line. Needs Python 3.9 and PyTorch 2.0 or later and no other file; knows nothing of Scantling.

What is timed is a whole step (forward, backward, AdamW) in float32. Where PyTorch offers several ways to write
the same mathematics, this file takes the one that was fastest on a CPU with PyTorch 2.6:
  attention      F.scaled_dot_product_attention(is_causal=True), one product for queries, keys and values
  grouped heads  keys and values repeated by repeat_interleave (enable_gqa=True was 2x slower)
  RoPE           one complex product over queries and keys together (the rotate-half form was 3-9x slower)
  RMSNorm        written with torch.linalg.vector_norm (nn.RMSNorm has no fused CPU kernel and was slower)
  AdamW          fused=True where the version has it for CPU (2.4 and later)

Shapes: B batch, T length, D width, H query heads, K key/value heads, S head size, V vocabulary.
"""

import argparse
import json
import os
import re
import resource
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

WORKLOADS = {
    "W1": dict(width=128, layers=2, heads=8, feedforward=256, activation="swiglu", vocabulary=64, length=128, batch=128),
    "W2": dict(width=384, layers=6, heads=6, feedforward=1536, activation="gelu", vocabulary=96, length=256, batch=8),
}


class RMSNorm(nn.Module):
    def __init__(self, width, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        mean_square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square() / x.shape[-1]
        return x * (self.weight * torch.rsqrt(mean_square + self.eps))


def make_norm(o):
    return nn.LayerNorm(o.width) if o.norm == "layer" else RMSNorm(o.width)


def rope_table(length, head_size, base=10000.0):
    """(T, 1, S/2) unit complex numbers; pairs are neighbouring channels, as in the RoPE paper."""
    angles = torch.outer(torch.arange(length).float(), base ** (-torch.arange(0, head_size, 2) / head_size))
    return torch.polar(torch.ones_like(angles), angles)[:, None, :]


class Attention(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.heads, self.kv_heads, self.head_size = o.heads, o.kv_heads, o.width // o.heads
        self.qkv = nn.Linear(o.width, (o.heads + 2 * o.kv_heads) * self.head_size, bias=o.bias)
        self.out = nn.Linear(o.width, o.width, bias=o.bias)
        table = rope_table(o.length, self.head_size) if o.positions == "rope" else None
        self.register_buffer("rope", table, persistent=False)

    def forward(self, x):
        B, T, D = x.shape
        H, K = self.heads, self.kv_heads
        qkv = self.qkv(x).view(B, T, H + 2 * K, self.head_size)
        if self.rope is None:
            q, k, v = qkv.split((H, K, K), dim=2)
        else:
            qk, v = qkv.split((H + K, K), dim=2)
            pairs = torch.view_as_complex(qk.unflatten(-1, (-1, 2)))
            q, k = torch.view_as_real(pairs * self.rope).flatten(-2).split((H, K), dim=2)
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))
        if K != H:
            k, v = (t.repeat_interleave(H // K, dim=1) for t in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(B, T, D))


class FeedForward(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.activation = o.activation
        self.up = nn.Linear(o.width, o.feedforward, bias=o.bias)
        self.down = nn.Linear(o.feedforward, o.width, bias=o.bias)
        if o.activation == "swiglu":
            self.gate = nn.Linear(o.width, o.feedforward, bias=o.bias)

    def forward(self, x):
        if self.activation == "swiglu":
            return self.down(F.silu(self.gate(x)) * self.up(x))
        if self.activation == "gelu":
            return self.down(F.gelu(self.up(x), approximate="tanh"))
        return self.down(F.relu(self.up(x)))


class Block(nn.Module):
    def __init__(self, o):
        super().__init__()
        self.norm1, self.attention, self.norm2, self.feedforward = make_norm(o), Attention(o), make_norm(o), FeedForward(o)

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feedforward(self.norm2(x))


class Decoder(nn.Module):
    """Pre-norm decoder; `forward` returns the mean cross-entropy in nats. The head never has a bias."""

    def __init__(self, o):
        super().__init__()
        self.embedding = nn.Embedding(o.vocabulary, o.width)
        self.positions = nn.Parameter(torch.zeros(o.length, o.width)) if o.positions == "learned" else None
        self.blocks = nn.ModuleList([Block(o) for _ in range(o.layers)])
        self.norm = make_norm(o)
        self.head = nn.Linear(o.width, o.vocabulary, bias=False)
        if o.tied:
            self.head.weight = self.embedding.weight
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, tokens, targets):
        x = self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions
        for block in self.blocks:
            x = block(x)
        return F.cross_entropy(self.head(self.norm(x)).flatten(0, 1), targets.flatten())


def make_optimizer(parameters):
    settings = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1)
    try:
        return torch.optim.AdamW(parameters, fused=True, **settings)
    except (TypeError, RuntimeError):  # before 2.4 there is no fused AdamW for CPU
        return torch.optim.AdamW(parameters, **settings)


def peak_memory_bytes():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def environment():
    """What decides this peer's speed besides its version: the BLAS library loaded, and allocator and thread settings."""
    libraries = set()
    try:
        with open("/proc/self/maps") as maps:
            libraries = set(re.findall(r"[^/\s]*(?:openblas|mkl_rt|libblis)[^/\n]*/lib[^/\s]+|libmkl_[^/\s]+", maps.read()))
    except OSError:
        pass
    watched = re.compile(r"MALLOC_|GLIBC_TUNABLES|OMP_|MKL_|OPENBLAS_|KMP_|GOMP_|DNNL_")
    variables = {k: v for k, v in os.environ.items() if watched.match(k)}
    if os.environ.get("LD_PRELOAD"):
        variables["LD_PRELOAD"] = " ".join(os.path.basename(p) for p in os.environ["LD_PRELOAD"].split())
    return {"libraries": sorted(libraries), "variables": variables}


def options():
    p = argparse.ArgumentParser(description="Time training steps of a decoder Transformer in eager PyTorch on CPU.")
    p.add_argument("--workload", choices=[*WORKLOADS, "decoder"], default="decoder",
                   help="W1 and W2 fix every size; decoder takes them from the options below")
    for name, default in dict(width=128, layers=2, heads=8, length=128, batch=8, vocabulary=64).items():
        p.add_argument(f"--{name}", type=int, default=default)
    p.add_argument("--kv-heads", type=int, help="default: as many as --heads")
    p.add_argument("--feedforward", type=int, help="default: 4 x width")
    p.add_argument("--activation", choices=["swiglu", "gelu", "relu"], default="gelu", help="gelu is the tanh form")
    p.add_argument("--norm", choices=["layer", "rms"], default="layer")
    p.add_argument("--positions", choices=["learned", "rope", "none"], default="learned")
    p.add_argument("--bias", action="store_true", help="biases in the linear layers of every block")
    p.add_argument("--tied", action="store_true", help="the head shares the embedding's weights")
    p.add_argument("--steps", type=int, default=12, help="timed and warm-up steps together; at least 3")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=0)
    o = p.parse_args()
    for name, value in WORKLOADS.get(o.workload, {}).items():
        setattr(o, name, value)
    o.kv_heads = o.kv_heads or o.heads
    o.feedforward = o.feedforward or 4 * o.width
    if o.steps < 3:
        p.error("--steps must be at least 3: two warm-up steps and one that is timed")
    if o.width % o.heads or o.heads % o.kv_heads:
        p.error(f"--width {o.width} must divide by --heads {o.heads}, and --heads by --kv-heads {o.kv_heads}")
    if o.positions == "rope" and (o.width // o.heads) % 2:
        p.error(f"--positions rope needs an even head size; width {o.width} over {o.heads} heads is {o.width // o.heads}")
    return o


def main():
    o = options()
    torch.set_num_threads(o.threads)
    torch.manual_seed(o.seed)
    tokens = torch.randint(0, o.vocabulary, (o.batch, o.length))
    targets = torch.roll(tokens, 1, 1)
    model = Decoder(o)
    optimizer = make_optimizer(model.parameters())
    seconds, losses = [], []
    for _ in range(o.steps):
        start = time.perf_counter()
        loss = model(tokens, targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
        losses.append(loss.item())
    median = statistics.median(seconds[2:])
    print(json.dumps({
        "workload": o.workload,
        "engine": "torch",
        "version": torch.__version__,
        "threads": o.threads,
        "tokensPerSecond": o.batch * o.length / median,
        "msPerStep": median * 1e3,
        "peakMemoryBytes": peak_memory_bytes(),
        "lossFirst": losses[0],
        "lossLast": losses[-1],
        "parameters": sum(p.numel() for p in model.parameters()),
        "firstStepMs": seconds[0] * 1e3,
        "steps": o.steps,
        "environment": environment(),
    }))


if __name__ == "__main__":
    main()
