// Transformer-XL's attention by content and distance in PyTorch.
import { biasArgument, keywords, linearHelper, type PyTorchForm } from "./form.ts";

type Settings = Readonly<{ heads?: number | undefined; headWidth?: number | undefined; bias: boolean }>;

export function relativeAttentionInPyTorch({ heads, headWidth, bias }: Settings): PyTorchForm {
  const options = biasArgument(bias);
  return {
    name: "RelativeAttention",
    arguments: ["WIDTH", ...keywords({ heads, head_width: headWidth })],
    uses: [linearHelper],
    body: `    """Causal attention whose scores have a part by content and a part by distance."""

    def __init__(self, width, heads, head_width):
        super().__init__()
        self.heads = heads
        self.query = linear(width, heads * head_width${options})
        self.key = linear(width, heads * head_width${options})
        self.value = linear(width, heads * head_width${options})
        self.distance = linear(width, heads * head_width)
        self.content_bias = nn.Parameter(torch.zeros(heads, head_width))
        self.distance_bias = nn.Parameter(torch.zeros(heads, head_width))
        self.output = linear(heads * head_width, width${options})

    def forward(self, x):
        batch, length, width = x.shape
        heads = lambda x: x.unflatten(-1, (self.heads, -1))
        query, key, value = heads(self.query(x)), heads(self.key(x)), heads(self.value(x))
        places = torch.arange(length, device=x.device)
        distance = places[:, None] - places
        by_content = torch.einsum("bthd,bshd->bhts", query + self.content_bias, key)
        far = heads(self.distance(self.waves(length, width, x)))  # [T, H, d], the distance 0 first
        by_distance = torch.einsum("bthd,shd->bhts", query + self.distance_bias, far)
        by_distance = by_distance.gather(-1, distance.clamp(min=0).expand_as(by_distance))
        scores = (by_content + by_distance) * key.shape[-1] ** -0.5
        weights = scores.masked_fill(distance < 0, float("-inf")).softmax(-1)
        return self.output(torch.einsum("bhts,bshd->bthd", weights, value).flatten(-2))

    @staticmethod
    def waves(length, width, like):
        """Sines and cosines of the distances 0..T-1, [T, D]."""
        frequencies = 10000 ** (-2 / width * torch.arange(width // 2, device=like.device, dtype=like.dtype))
        angles = torch.arange(length, device=like.device, dtype=like.dtype)[:, None] * frequencies
        return torch.cat((angles.sin(), angles.cos()), dim=-1)`,
  };
}
