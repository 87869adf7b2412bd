"""Vision transformers: DINOv2, and the image towers of CLIP.

References:
  Dosovitskiy et al., An image is worth 16x16 words, ICLR 2021;
  Oquab et al., DINOv2: Learning robust visual features without supervision,
  TMLR 2024;
  Radford et al., Learning transferable visual models from natural language
  supervision, ICML 2021.
"""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from dsth_jax.models.backbones.layouts import Format, Layout
from dsth_jax.types import ArrayLike


class VisionTransformer(nn.Module):
  """Maps preprocessed images to the class token behind the last norm.

  Attributes:
    patch_size: side of a patch in pixels; pixels that fill none are left out.
    grid_size: patches on a side of the images that it was trained on.
    width: numbers a token.
    depth: blocks.
    num_heads: of the attention.
    is_clip: with CLIP's details in place of DINOv2's: no bias of the patches, a
      norm before the blocks, no layer scale, x sigmoid(1.702 x) in place of
      GELU, and 1e-5 for 1e-6 in the norms.
    num_projected: width of a last linear layer without bias; 0: none.
  """

  patch_size: int
  grid_size: int
  width: int
  depth: int
  num_heads: int
  is_clip: bool = False
  num_projected: int = 0

  @nn.compact
  def __call__(self, x: Float[Array, "n h w 3"]) -> Float[Array, "n d"]:
    """Returns the features; they may be negative."""
    tokens = self._embed(x)
    if self.is_clip:
      tokens = self._norm("pre_norm")(tokens)
    for number in range(self.depth):
      tokens = _Block(
        self.num_heads, self.is_clip, self._epsilon, name=f"block_{number}"
      )(tokens)
    features = self._norm("norm")(tokens[:, 0])
    if self.num_projected:
      features = nn.Dense(
        self.num_projected, use_bias=False, name="projection"
      )(features)
    return features

  def _embed(self, x: Float[Array, "n h w 3"]) -> Float[Array, "n t d"]:
    """Returns the class token and those of the patches, with positions."""
    size = (self.patch_size, self.patch_size)
    patches = nn.Conv(
      self.width,
      size,
      size,
      padding="VALID",
      use_bias=not self.is_clip,
      name="patches",
    )(x)
    count, height, width, _ = patches.shape
    init = nn.initializers.normal(0.02)
    class_token = self.param("class_token", init, (1, 1, self.width))
    positions = self.param(
      "positions", init, (1, self.grid_size**2 + 1, self.width)
    )
    tokens = jnp.concatenate(
      [
        jnp.broadcast_to(class_token, (count, 1, self.width)),
        patches.reshape(count, height * width, self.width),
      ],
      axis=1,
    )
    return tokens + _resized_positions(positions, height, width)

  @property
  def _epsilon(self) -> float:
    return 1e-5 if self.is_clip else 1e-6

  def _norm(self, name: str) -> nn.LayerNorm:
    return nn.LayerNorm(self._epsilon, use_fast_variance=False, name=name)


class _Block(nn.Module):
  """Attention and two fully connected layers, each behind a norm and added."""

  num_heads: int
  is_clip: bool
  epsilon: float

  @nn.compact
  def __call__(self, x: Array) -> Array:
    width = x.shape[-1]
    inner = self._norm("norm1")(x)
    inner = _Attention(self.num_heads, name="attention")(inner)
    x = x + self._scaled("scale1", inner)
    inner = self._norm("norm2")(x)
    inner = nn.Dense(4 * width, name="fc1")(inner)
    if self.is_clip:
      inner = inner * nn.sigmoid(1.702 * inner)
    else:
      inner = nn.gelu(inner, approximate=False)
    return x + self._scaled("scale2", nn.Dense(width, name="fc2")(inner))

  def _norm(self, name: str) -> nn.LayerNorm:
    return nn.LayerNorm(self.epsilon, use_fast_variance=False, name=name)

  def _scaled(self, name: str, x: Array) -> Array:
    if self.is_clip:
      return x
    scale = self.param(name, nn.initializers.ones, (x.shape[-1],))
    return x * scale[None, None, :]


class _Attention(nn.Module):
  """Every token reads all tokens of its image."""

  num_heads: int

  @nn.compact
  def __call__(self, x: Float[Array, "n t d"]) -> Float[Array, "n t d"]:
    count, num_tokens, width = x.shape
    size = width // self.num_heads
    query, key, value = (
      nn.Dense(width, name=name)(x).reshape(
        count, num_tokens, self.num_heads, size
      )
      for name in ("query", "key", "value")
    )
    scores = jnp.einsum("nqhd,nkhd->nhqk", query, key) / np.float32(size**0.5)
    read = jnp.einsum("nhqk,nkhd->nqhd", nn.softmax(scores), value)
    return nn.Dense(width, name="out")(read.reshape(x.shape))


def _resized_positions(
  positions: Float[ArrayLike, "1 t d"], height: int, width: int
) -> Float[Array, "1 u d"]:
  """Returns the positions for another number of patches, by cubic weights.

  The patches of the new grid cover the image evenly, as in the transformers
  library. The code of DINOv2's authors adds 0.1 to the new size before it divides, which
  moves a position by up to 0.2 of the 37 patches that it was trained on.
  """
  size = round((positions.shape[1] - 1) ** 0.5)
  if (height, width) == (size, size):
    return jnp.asarray(positions)
  grid = positions[0, 1:].reshape(size, size, -1)
  grid = jnp.einsum("ph,hwd->pwd", _cubic_weights(size, height), grid)
  grid = jnp.einsum("qw,pwd->pqd", _cubic_weights(size, width), grid)
  patches = grid.reshape(1, height * width, -1)
  return jnp.concatenate([positions[:, :1], patches], axis=1)


def _cubic_weights(size: int, new_size: int) -> Float[np.ndarray, "q p"]:
  """Returns the weights of cubic convolution, a row a new position.

  They are PyTorch's: a = -0.75, not antialiased, and the border repeats.

  References:
    Keys, Cubic convolution interpolation for digital image processing, IEEE
    TASSP 1981.
  """
  a = -0.75
  centers = (np.arange(new_size) + 0.5) * size / new_size - 0.5
  weights = np.zeros((new_size, size))
  for offset in (-1, 0, 1, 2):
    positions = np.floor(centers) + offset
    x = np.abs(centers - positions)
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    columns = np.clip(positions, 0, size - 1).astype(int)
    np.add.at(
      weights, (np.arange(new_size), columns), np.where(x <= 1, near, far)
    )
  return weights.astype(np.float32)


_BLOCKS = (r"^block_(\d+)", r"encoder/layer/\1")
_HUGGING_FACE_DINOV2 = Format(
  (
    _BLOCKS,
    ("^patches$", "embeddings/patch_embeddings/projection"),
    (r"attention/(query|key|value)$", r"attention/attention/\1"),
    ("attention/out$", "attention/output/dense"),
    ("/(fc[12])$", r"/mlp/\1"),
    ("^norm$", "layernorm"),
  ),
  leaves=(
    ("class_token", "embeddings.cls_token"),
    ("positions", "embeddings.position_embeddings"),
    ("scale1", "layer_scale1.lambda1"),
    ("scale2", "layer_scale2.lambda1"),
  ),
  unused=r"embeddings\.mask_token",
)
_AUTHORS_DINOV2 = Format(
  (
    (r"^block_(\d+)", r"blocks/\1"),
    ("^patches$", "patch_embed/proj"),
    ("attention/(query|key|value)$", "attn/qkv"),
    ("attention/out$", "attn/proj"),
    ("/(fc[12])$", r"/mlp/\1"),
  ),
  leaves=(
    ("class_token", "cls_token"),
    ("positions", "pos_embed"),
    ("scale1", "ls1.gamma"),
    ("scale2", "ls2.gamma"),
  ),
  joined=("query", "key", "value"),
  unused="mask_token",
)
_HUGGING_FACE_CLIP = Format(
  (
    (r"^block_(\d+)", r"encoder/layers/\1"),
    ("^patches$", "embeddings/patch_embedding"),
    (r"attention/([qkv])\w+$", r"self_attn/\1_proj"),
    ("attention/out$", "self_attn/out_proj"),
    ("/(fc[12])$", r"/mlp/\1"),
    (r"/norm([12])$", r"/layer_norm\1"),
    ("^pre_norm$", "pre_layrnorm"),
    ("^norm$", "post_layernorm"),
    ("^(?!projection$)(?=.)", "vision_model/"),
    ("^projection$", "visual_projection"),
  ),
  leaves=(
    ("class_token", "vision_model.embeddings.class_embedding"),
    ("positions", "vision_model.embeddings.position_embedding.weight"),
  ),
  unused=r"(text_model|text_projection)\..*|logit_scale|.*\.position_ids",
)


def _dinov2(name: str, width: int, num_heads: int, repository: str) -> Layout:
  return Layout(
    f"DINOv2 {name}",
    VisionTransformer(14, 37, width, depth=12, num_heads=num_heads),
    image_size=224,
    formats=(_HUGGING_FACE_DINOV2, _AUTHORS_DINOV2),
    source="model.safetensors from "
    f"https://huggingface.co/facebook/{repository}",
  )


def _clip(name: str, patch_size: int, repository: str) -> Layout:
  return Layout(
    f"CLIP {name}",
    VisionTransformer(
      patch_size,
      224 // patch_size,
      width=768,
      depth=12,
      num_heads=12,
      is_clip=True,
      num_projected=512,
    ),
    image_size=224,
    formats=(_HUGGING_FACE_CLIP,),
    source=f"model.safetensors from https://huggingface.co/openai/{repository}",
  )


DINOV2_VITS14 = _dinov2("ViT-S/14", 384, 6, "dinov2-small")
DINOV2_VITB14 = _dinov2("ViT-B/14", 768, 12, "dinov2-base")
CLIP_VITB32 = _clip("ViT-B/32", 32, "clip-vit-base-patch32")
CLIP_VITB16 = _clip("ViT-B/16", 16, "clip-vit-base-patch16")
