// What recurrent mixers share in PyTorch: recurrences token by token, convolutions over neighbours, token shift. The loops
// over time are plain, and slow on long sequences; none needs a compiled kernel.
import type { PythonHelper } from "./form.ts";

/** h_t = a_t·h_{t-1} + b_t. */
export const linearRecurrenceHelper: PythonHelper = {
  name: "linear_recurrence",
  text: `def linear_recurrence(decay, entering):
    """h_t = decay_t * h_(t-1) + entering_t, element by element, for all t of [B, T, E]."""
    state = torch.zeros_like(entering[:, 0])
    states = []
    for kept, entered in zip(decay.unbind(1), entering.unbind(1)):  # token by token
        state = kept * state + entered
        states.append(state)
    return torch.stack(states, dim=1)`,
};

/** A matrix state whose rows fade at rates of their own. */
export const channelDecayHelper: PythonHelper = {
  name: "matrix_recurrence",
  text: `def matrix_recurrence(query, key, value, decay, bonus=None):
    """
    A matrix for each head, S_t = diag(decay_t) S_(t-1) + key_t value_t', which queries read:
    after it is written, or with a bonus [H, K] before, the own value weighted by that bonus.
    query, key, decay [B, T, H, K], value [B, T, H, V] -> [B, T, H, V]
    """
    state = torch.zeros_like(key[:, 0, :, :, None] * value[:, 0, :, None, :])
    read = []
    for q, k, v, kept in zip(query.unbind(1), key.unbind(1), value.unbind(1), decay.unbind(1)):
        written = k[..., None] * v[..., None, :]
        before, state = state, kept[..., None] * state + written
        seen = state if bonus is None else before + bonus[..., None] * written
        read.append((q[..., None] * seen).sum(-2))
    return torch.stack(read, dim=1)`,
};

/** A matrix state that corrects what it says of a key. */
export const deltaRuleHelper: PythonHelper = {
  name: "delta_rule",
  text: `def delta_rule(query, key, value, beta, decay=None):
    """
    A matrix for each head that says what belongs to a key, and is corrected by the share beta:
    S_t = decay_t S_(t-1) + key_t (beta_t (value_t - decay_t S_(t-1)' key_t))', read by query_t.
    query, key [B, T, H, K], value [B, T, H, V], beta, decay [B, T, H] -> [B, T, H, V]
    """
    state = torch.zeros_like(key[:, 0, :, :, None] * value[:, 0, :, None, :])
    read = []
    for t, (q, k, v, b) in enumerate(zip(*(x.unbind(1) for x in (query, key, value, beta)))):
        if decay is not None:
            state = state * decay[:, t, :, None, None]
        said = (k[..., None] * state).sum(-2)
        state = state + k[..., None] * (b[..., None] * (v - said))[..., None, :]
        read.append((q[..., None] * state).sum(-2))
    return torch.stack(read, dim=1)`,
};

/** Sums of every stretch of a sequence. */
export const segmentSumsHelper: PythonHelper = {
  name: "segment_sums",
  text: `def segment_sums(x):
    """x [..., T] -> [..., T, T]: the sum of x over s+1..t at row t, column s <= t; -inf above."""
    length = x.shape[-1]
    places = torch.arange(length, device=x.device)
    # Each column has sums of its own, so that none is a difference of two large ones.
    steps = x[..., :, None].expand(*x.shape, length)
    sums = steps.masked_fill(places[:, None] <= places, 0).cumsum(-2)
    return sums.masked_fill(places[:, None] < places, float("-inf"))`,
};

/** A convolution over a few neighbours, a filter for each feature. */
export const shortConvolutionHelper: PythonHelper = {
  name: "ShortConvolution",
  text: `class ShortConvolution(nn.Module):
    """A filter for each feature over a token and those just before it; row k is for k tokens back."""

    def __init__(self, width, taps, bias=False):
        super().__init__()
        self.taps = taps
        self.weight = nn.Parameter(torch.empty(taps, width).uniform_(-(taps**-0.5), taps**-0.5))
        self.bias = nn.Parameter(torch.empty(width).uniform_(-(taps**-0.5), taps**-0.5)) if bias else None

    def forward(self, x):
        padded = F.pad(x, (0, 0, self.taps - 1, 0)).transpose(1, 2)
        kernel = self.weight.flip(0).T[:, None]
        return F.conv1d(padded, kernel, self.bias, groups=x.shape[-1]).transpose(1, 2)`,
};

/** The features of the token before. */
export const shiftHelper: PythonHelper = {
  name: "shifted",
  text: `def shifted(x):
    """x [B, T, D] one place later, zeros first."""
    return F.pad(x, (0, 0, 1, -1))`,
};

/** The bias of step sizes. */
export const stepBiasHelper: PythonHelper = {
  name: "step_bias",
  text: `def step_bias(count):
    """What softplus makes step sizes of, spread evenly on a logarithmic scale from 0.001 to 0.1."""
    steps = torch.exp(torch.empty(count).uniform_(math.log(1e-3), math.log(0.1))).clamp(min=1e-4)
    return steps + torch.log(-torch.expm1(-steps))`,
};
