"""Public model folders, written and computed independently of Scantling: plain PyTorch from the published definitions.

  python3 folders.py write DIR        small random folders gpt2, llama, mistral, qwen2, vit under DIR, each with
                                      expected.json: inputs and the logits of them in float64
  python3 folders.py check FOLDER EXPECTED.json
                                      largest |difference| between the logits of FOLDER and the recorded ones
  python3 folders.py big DIR [7b]     a Llama of 1.1 billion parameters (or of 7 billion) in bfloat16, to time growth with
"""

import json, math, os, struct, sys
import torch

F = torch.nn.functional
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


# safetensors: 8 bytes of length, a JSON header, the numbers.
def write_tensors(path, tensors):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, t in tensors.items():
        dtype = next(k for k, v in DTYPES.items() if v == t.dtype)
        size = t.numel() * t.element_size()
        header[name] = {"dtype": dtype, "shape": list(t.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for t in tensors.values():
            f.write(bytes(t.contiguous().view(torch.uint8).flatten().numpy().data))


def read_tensors(path):
    raw = open(path, "rb").read()
    (n,) = struct.unpack("<Q", raw[:8])
    out = {}
    for name, e in json.loads(raw[8 : 8 + n]).items():
        if name == "__metadata__":
            continue
        a, b = e["data_offsets"]
        flat = torch.frombuffer(bytearray(raw[8 + n + a : 8 + n + b]), dtype=DTYPES[e["dtype"]])
        out[name] = flat.reshape(e["shape"]).double()
    return out


def read_folder(folder):
    config = json.load(open(f"{folder}/config.json"))
    index = f"{folder}/model.safetensors.index.json"
    files = ["model.safetensors"]
    if os.path.exists(index):
        files = sorted(set(json.load(open(index))["weight_map"].values()))
    w = {}
    for file in files:
        w.update(read_tensors(f"{folder}/{file}"))
    return config, w


def heads_of(x, heads):
    B, T, _ = x.shape
    return x.reshape(B, T, heads, -1).transpose(1, 2)


def attend(q, k, v, mask):
    """q [B, H, T, d], k and v [B, Hk, T, d] -> [B, T, H * d]."""
    times = q.shape[1] // k.shape[1]
    k, v = k.repeat_interleave(times, 1), v.repeat_interleave(times, 1)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    out = scores.softmax(-1) @ v
    return out.transpose(1, 2).reshape(out.shape[0], out.shape[2], -1)


def causal(T, window=None):
    i, j = torch.arange(T)[:, None], torch.arange(T)[None]
    mask = j <= i
    return mask if window is None else mask & (i - j < window)


def gpt2(c, w, tokens):
    p = "transformer." if "transformer.wte.weight" in w else ""
    D, eps, T = c["n_embd"], c["layer_norm_epsilon"], tokens.shape[1]
    norm = lambda x, n: F.layer_norm(x, (D,), w[n + ".weight"], w[n + ".bias"], eps)
    conv = lambda x, n: x @ w[n + ".weight"] + w[n + ".bias"]
    x = w[p + "wte.weight"][tokens] + w[p + "wpe.weight"][:T]
    for i in range(c["n_layer"]):
        b = f"{p}h.{i}."
        q, k, v = (heads_of(t, c["n_head"]) for t in conv(norm(x, b + "ln_1"), b + "attn.c_attn").chunk(3, -1))
        x = x + conv(attend(q, k, v, causal(T)), b + "attn.c_proj")
        h = F.gelu(conv(norm(x, b + "ln_2"), b + "mlp.c_fc"), approximate="tanh")
        assert h.shape[-1] == (c.get("n_inner") or 4 * D)
        x = x + conv(h, b + "mlp.c_proj")
    return norm(x, p + "ln_f") @ w[p + "wte.weight"].T


def frequencies(c, d):
    f = c["rope_theta"] ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    s = c.get("rope_scaling")
    if s is None:
        return f
    assert s["rope_type"] == "llama3"
    old, low, high = s["original_max_position_embeddings"], s["low_freq_factor"], s["high_freq_factor"]
    out = []
    for each in f.tolist():
        wave = 2 * math.pi / each
        smooth = (old / wave - low) / (high - low)
        if wave < old / high:
            out.append(each)
        elif wave > old / low:
            out.append(each / s["factor"])
        else:
            out.append((1 - smooth) * each / s["factor"] + smooth * each)
    return torch.tensor(out, dtype=torch.float64)


def llama(c, w, tokens):
    """Llama, Mistral and Qwen2: they differ in window and biases."""
    D, T, H, Hk = c["hidden_size"], tokens.shape[1], c["num_attention_heads"], c["num_key_value_heads"]
    d = c.get("head_dim") or D // H

    def norm(x, n):
        return x * (x.pow(2).mean(-1, keepdim=True) + c["rms_norm_eps"]).rsqrt() * w[n + ".weight"]

    lin = lambda x, n: F.linear(x, w[n + ".weight"], w.get(n + ".bias"))
    angle = torch.arange(T, dtype=torch.float64)[:, None] * frequencies(c, d)
    cos, sin = (torch.cat([t, t], -1) for t in (angle.cos(), angle.sin()))
    turn = lambda x: x * cos + torch.cat([-x[..., d // 2 :], x[..., : d // 2]], -1) * sin
    window = c.get("sliding_window") if c["model_type"] == "mistral" or c.get("use_sliding_window") else None
    x = w["model.embed_tokens.weight"][tokens]
    for i in range(c["num_hidden_layers"]):
        b = f"model.layers.{i}."
        h = norm(x, b + "input_layernorm")
        q, k, v = (heads_of(lin(h, f"{b}self_attn.{n}_proj"), n_) for n, n_ in (("q", H), ("k", Hk), ("v", Hk)))
        x = x + lin(attend(turn(q), turn(k), v, causal(T, window)), b + "self_attn.o_proj")
        h = norm(x, b + "post_attention_layernorm")
        x = x + lin(F.silu(lin(h, b + "mlp.gate_proj")) * lin(h, b + "mlp.up_proj"), b + "mlp.down_proj")
    head = w["model.embed_tokens.weight" if c["tie_word_embeddings"] else "lm_head.weight"]
    return norm(x, "model.norm") @ head.T


def vit(c, w, pixels):
    """pixels [B, C, H, W] -> [B, classes]."""
    D = c["hidden_size"]
    norm = lambda x, n: F.layer_norm(x, (D,), w[n + ".weight"], w[n + ".bias"], c["layer_norm_eps"])
    lin = lambda x, n: F.linear(x, w[n + ".weight"], w[n + ".bias"])
    e = "vit.embeddings."
    patches = F.conv2d(pixels, w[e + "patch_embeddings.projection.weight"],
                       w[e + "patch_embeddings.projection.bias"], stride=c["patch_size"])
    x = patches.flatten(2).transpose(1, 2)
    x = torch.cat([w[e + "cls_token"].expand(x.shape[0], -1, -1), x], 1) + w[e + "position_embeddings"]
    for i in range(c["num_hidden_layers"]):
        b = f"vit.encoder.layer.{i}."
        h = norm(x, b + "layernorm_before")
        q, k, v = (heads_of(lin(h, f"{b}attention.attention.{n}"), c["num_attention_heads"])
                   for n in ("query", "key", "value"))
        x = x + lin(attend(q, k, v, None), b + "attention.output.dense")
        h = F.gelu(lin(norm(x, b + "layernorm_after"), b + "intermediate.dense"))
        x = x + lin(h, b + "output.dense")
    return lin(norm(x, "vit.layernorm")[:, 0], "classifier")


FORWARD = {"gpt2": gpt2, "llama": llama, "mistral": llama, "qwen2": llama, "vit": vit}


def rope_shapes(c, biased):
    D, H, Hk, V, I = (c[k] for k in ("hidden_size", "num_attention_heads", "num_key_value_heads", "vocab_size",
                                     "intermediate_size"))
    d = c.get("head_dim") or D // H
    shapes = {"model.embed_tokens.weight": [V, D]}
    for i in range(c["num_hidden_layers"]):
        b = f"model.layers.{i}."
        for n, rows in (("q", H * d), ("k", Hk * d), ("v", Hk * d)):
            shapes[f"{b}self_attn.{n}_proj.weight"] = [rows, D]
            if biased:
                shapes[f"{b}self_attn.{n}_proj.bias"] = [rows]
        shapes |= {b + "self_attn.o_proj.weight": [D, H * d], b + "mlp.gate_proj.weight": [I, D],
                   b + "mlp.up_proj.weight": [I, D], b + "mlp.down_proj.weight": [D, I],
                   b + "input_layernorm.weight": [D], b + "post_attention_layernorm.weight": [D]}
    shapes["model.norm.weight"] = [D]
    if not c["tie_word_embeddings"]:
        shapes["lm_head.weight"] = [V, D]
    return shapes


def gpt2_shapes(c):
    D, V = c["n_embd"], c["vocab_size"]
    shapes = {"transformer.wte.weight": [V, D], "transformer.wpe.weight": [c["n_positions"], D]}
    for i in range(c["n_layer"]):
        b = f"transformer.h.{i}."
        for n, shape in (("attn.c_attn", [D, 3 * D]), ("attn.c_proj", [D, D]), ("mlp.c_fc", [D, 4 * D]),
                         ("mlp.c_proj", [4 * D, D])):
            shapes |= {f"{b}{n}.weight": shape, f"{b}{n}.bias": shape[1:]}
        for n in ("ln_1", "ln_2"):
            shapes |= {f"{b}{n}.weight": [D], f"{b}{n}.bias": [D]}
    return shapes | {"transformer.ln_f.weight": [D], "transformer.ln_f.bias": [D]}


def vit_shapes(c):
    D, P, I = c["hidden_size"], c["patch_size"], c["intermediate_size"]
    places = (c["image_size"] // P) ** 2 + 1
    e = "vit.embeddings."
    shapes = {e + "cls_token": [1, 1, D], e + "position_embeddings": [1, places, D],
              e + "patch_embeddings.projection.weight": [D, c["num_channels"], P, P],
              e + "patch_embeddings.projection.bias": [D]}
    for i in range(c["num_hidden_layers"]):
        b = f"vit.encoder.layer.{i}."
        maps = [(f"attention.attention.{n}", [D, D]) for n in ("query", "key", "value")]
        for n, shape in maps + [("attention.output.dense", [D, D]), ("intermediate.dense", [I, D]),
                                ("output.dense", [D, I])]:
            shapes |= {f"{b}{n}.weight": shape, f"{b}{n}.bias": shape[:1]}
        for n in ("layernorm_before", "layernorm_after"):
            shapes |= {f"{b}{n}.weight": [D], f"{b}{n}.bias": [D]}
    labels = len(c["id2label"])
    return shapes | {"vit.layernorm.weight": [D], "vit.layernorm.bias": [D],
                     "classifier.weight": [labels, D], "classifier.bias": [labels]}


ROPE = {"vocab_size": 13, "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 12, "hidden_act": "silu",
        "rms_norm_eps": 1e-5, "tie_word_embeddings": False, "initializer_range": 0.02}
SMALL = {
    "gpt2": ({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "torch_dtype": "float32",
              "vocab_size": 13, "n_positions": 12, "n_embd": 8, "n_layer": 2, "n_head": 2, "n_inner": None,
              "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "initializer_range": 0.02,
              "bos_token_id": 3}, gpt2_shapes, torch.float32, 1),
    "llama": ({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "torch_dtype": "float32", **ROPE,
               "rope_theta": 500.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
               "high_freq_factor": 4.0, "original_max_position_embeddings": 64}},
              lambda c: rope_shapes(c, False), torch.float32, 3),
    "mistral": ({"model_type": "mistral", "architectures": ["MistralForCausalLM"], "torch_dtype": "bfloat16", **ROPE,
                 "rope_theta": 10000.0, "sliding_window": 4, "head_dim": 6},
                lambda c: rope_shapes(c, False), torch.bfloat16, 1),
    "qwen2": ({"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "torch_dtype": "float16", **ROPE,
               "rope_theta": 1000000.0, "tie_word_embeddings": True, "use_sliding_window": False,
               "sliding_window": 4, "max_window_layers": 2, "rms_norm_eps": 1e-6},
              lambda c: rope_shapes(c, True), torch.float16, 1),
    "vit": ({"model_type": "vit", "architectures": ["ViTForImageClassification"], "torch_dtype": "float32",
             "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
             "hidden_act": "gelu", "layer_norm_eps": 1e-12, "image_size": 6, "patch_size": 2, "num_channels": 3,
             "qkv_bias": True, "initializer_range": 0.02,
             "id2label": {str(i): f"LABEL_{i}" for i in range(5)}}, vit_shapes, torch.float32, 1),
}


# `tensor` makes the tensor of a name, one shard of them at a time.
def write_folder(folder, config, names, tensor, shards):
    os.makedirs(folder, exist_ok=True)
    json.dump(config, open(f"{folder}/config.json", "w"), indent=2)
    if shards == 1:
        return write_tensors(f"{folder}/model.safetensors", {name: tensor(name) for name in names})
    total, where = 0, {}
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensor(name) for name in names[i * len(names) // shards : (i + 1) * len(names) // shards]}
        write_tensors(f"{folder}/{file}", part)
        total += sum(t.numel() * t.element_size() for t in part.values())
        where |= dict.fromkeys(part, file)
    json.dump({"metadata": {"total_size": total}, "weight_map": where},
              open(f"{folder}/model.safetensors.index.json", "w"), indent=2)


def random_tensor(name, shape, dtype):
    near_one = len(shape) == 1 and ("norm" in name or "ln_" in name) and name.endswith("weight")
    return (near_one + 0.4 * torch.randn(shape)).to(dtype)


def small(directory):
    for name, (config, shapes, dtype, shards) in SMALL.items():
        torch.manual_seed(len(name))
        folder = f"{directory}/{name}"
        tensors = {n: random_tensor(n, s, dtype) for n, s in shapes(config).items()}
        write_folder(folder, config, list(tensors), tensors.__getitem__, shards)
        if name == "vit":
            side = config["image_size"]
            inputs = (2 * torch.rand(2, config["num_channels"], side, side) - 1).double()
        else:
            inputs = torch.randint(0, config["vocab_size"], (2, 10))
        logits = FORWARD[name](*read_folder(folder), inputs)
        json.dump({"inputs": inputs.tolist(), "logits": logits.tolist()}, open(f"{folder}/expected.json", "w"))


def check(folder, expected):
    config, w = read_folder(folder)
    record = json.load(open(expected))
    inputs = torch.tensor(record["inputs"], dtype=torch.float64 if config["model_type"] == "vit" else torch.int64)
    before = torch.tensor(record["logits"], dtype=torch.float64)
    after = FORWARD[config["model_type"]](config, w, inputs)
    print(f"{folder}: largest |difference| {(after - before).abs().max():.3g}, largest |logit| {before.abs().max():.3g}")


BIG = {
    "1.1b": {"hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22, "num_key_value_heads": 4},
    "7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_key_value_heads": 32},
}


def big(directory, size="1.1b"):
    config = {**SMALL["llama"][0], **BIG[size], "torch_dtype": "bfloat16", "vocab_size": 32000,
              "num_attention_heads": 32, "max_position_embeddings": 2048, "rope_theta": 10000.0, "rope_scaling": None}
    torch.manual_seed(0)
    shapes = rope_shapes(config, False)

    def tensor(name):
        near_one = len(shapes[name]) == 1
        return torch.ones(shapes[name], dtype=torch.bfloat16) if near_one else \
            torch.empty(shapes[name], dtype=torch.bfloat16).normal_(0, 0.02)

    write_folder(directory, config, list(shapes), tensor, 2 if size == "1.1b" else 6)


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    {"write": small, "check": check, "big": big}[sys.argv[1]](*sys.argv[2:])
