"""Every setting of a run, once, with its meaning."""

from ml_collections import ConfigDict

from dsth_jax.config import methods


def base_config() -> ConfigDict:
  """Returns the default settings, locked: a mistyped field raises."""
  config = ConfigDict()
  # All randomness of a run follows from this number.
  config.seed = 0
  # Bits of a code. The slice head wants a multiple of its groups.
  config.num_bits = 32
  config.workdir = _workdir()
  config.data = _data()
  config.features = _features()
  config.graph = _graph()
  config.spectral = _spectral()
  config.labels = _labels()
  config.model = _model()
  config.train = _train()
  config.encode = _encode()
  config.eval = _eval()
  # What a baseline's `fit` takes beside data, bits and key, by its name: of a
  # run's baselines and of a comparison's.
  config.baselines = methods.baseline_settings()
  config.compare = _compare()
  return config.lock()


def _workdir() -> ConfigDict:
  workdir = ConfigDict()
  # An artifact that is used again is read and compared with its checksums first,
  # up to this much of it; of a larger one some blocks are drawn. 0: only sizes.
  workdir.check_gigabytes = 4.0
  return workdir


def _data() -> ConfigDict:
  data = ConfigDict()
  # A name in dsth_jax.datasets.LOADERS, or of a prepared TFDS set. features has
  # no images, but features.file and labels_file, which can only be compared.
  data.name = "digits"
  # The folder of images, for image_folder; of a set that is read from its
  # published archives, the folder that holds them.
  data.root = ""
  # A .npy of class numbers [n], one an image, for features.
  data.labels_file = ""
  # Field of the labels, where a TFDS set has several.
  data.label_field = ""
  # Where prepared data lies; empty for TFDS's own default.
  data.data_dir = ""
  # Who queries whom: see dsth_jax.datasets.PROTOCOLS.
  data.protocol = "holdout"
  # Queries to draw; 0 takes the protocol's own number.
  data.num_queries = 300
  # Takes no labels from folders, nor from elsewhere: the run ends with codes and
  # pictures, without precision.
  data.ignore_labels = False
  # Settings that were chosen for many images, and may be lowered for few, as are
  # those that have their default: data.num_queries, num_bits,
  # graph.num_neighbors, train.batch_size. See dsth_jax.pipeline.small_sets.
  data.adaptable = ()
  # Settings that flags have given, which stay; the commands fill it in.
  data.given = ()
  # The most images of the train part that are kept, with the classes in
  # proportion; no other is described, searched or trained on. 0: all.
  data.num_training = 0
  # Adds the images of stl10 without a label, which train and are not searched.
  data.unlabelled = False
  # An image with more pixels is skipped; of AVIF, HEIC, JPEG 2000 and WebP, which
  # take most memory, one with more than a quarter of them.
  data.max_pixels = 250_000_000
  # A file with more bytes is skipped.
  data.max_bytes = 1_000_000_000
  # Larger images are stored with their short side shrunk to this.
  data.stored_size = 256
  return data


def _features() -> ConfigDict:
  features = ConfigDict()
  # Names in dsth_jax.models.backbones.BACKBONES, or paths of .onnx files that
  # take images scaled as ImageNet's; several are joined by "+".
  features.backbone = "pixels"
  # Files of weights, .pth or .safetensors, joined by "+" as the backbones are;
  # empty for those that are installed.
  features.weights = ""
  # A .npy of features [n d], one row an image, in place of a backbone; several
  # are joined by "+".
  features.file = ""
  # Pixels a side that the backbones see; 0: what they were trained on.
  features.image_size = 8
  # Pixels of an image's short side before its center of `image_size` is cropped;
  # 0: as the backbone was trained, which is 256 for 224 with AlexNet, GoogLeNet,
  # VGG16 and DINOv2, and `image_size` with the others.
  features.resized_size = 0
  features.batch_size = 32
  # float32, or float16 for half of the disk.
  features.dtype = "float32"
  # Subtracts the training images' mean from all features.
  features.center = True
  # Takes the square root of all features first; those of several backbones are
  # always rooted, and scaled to unit length.
  features.root = False
  features.fine_tuning = _fine_tuning()
  return features


def _fine_tuning() -> ConfigDict:
  """Trains the backbone further with class labels, before the features."""
  tuning = ConfigDict()
  # 0 uses no class labels.
  tuning.num_epochs = 0
  # Training images whose labels are used, in proportion to the classes; 0: all
  # that have one. All training images enter the graph.
  tuning.num_labelled = 0
  # all; or last: only the last layers of a pretrained backbone. What is trained
  # from scratch is trained whole.
  tuning.trainable = "last"
  # Pixels a side in this training; 0: what the backbone sees.
  tuning.image_size = 0
  # Of AdamW; it rises to this and falls, as in train.schedule one_cycle.
  tuning.learning_rate = 1e-3
  tuning.weight_decay = 0.01
  tuning.batch_size = 32
  # Random mirroring, and random shifts of up to this number of pixels.
  tuning.flip = False
  tuning.shift = 2
  return tuning


def _graph() -> ConfigDict:
  graph = ConfigDict()
  # k of the nearest-neighbor graph (mu of section IV-C).
  graph.num_neighbors = 12
  # exact, or approximate: most of the neighbors, for some 100,000 images and
  # more (pip install "dsth_jax[approximate]").
  graph.search = "exact"
  # union (Eq. 1) or mutual (Eq. 7): who counts as a pair of neighbors.
  graph.symmetrize = "union"
  # Joins a graph that falls apart by the best edges between its components.
  graph.connect = True
  return graph


def _spectral() -> ConfigDict:
  spectral = ConfigDict()
  # auto, chebyshev, lobpcg or dense.
  spectral.solver = "auto"
  # The solver stops once ||S u - theta u|| of every pair is below.
  spectral.tol = 1e-5
  spectral.max_iters = 500
  # An embedding with a larger residual ||L v - lambda D v|| is refused.
  spectral.max_residual = 1e-3
  return spectral


def _labels() -> ConfigDict:
  labels = ConfigDict()
  # diffusion: the diffusion rotation; eigenvectors: the paper's one
  # eigenvector a bit.
  labels.method = "diffusion"
  labels.diffusion_time = 8.0
  # Alternations of the rotation.
  labels.num_iters = 50
  # mean (Eq. 14) or median.
  labels.threshold = "mean"
  return labels


def _model() -> ConfigDict:
  model = ConfigDict()
  # A name in dsth_jax.models.hash_models.HASH_MODELS. A network uses those of
  # the following settings that it has.
  model.network = "simplenet"
  # Pixels a side: 32 or 96 for SimpleNet (Table I). 0: the usual, or what the
  # backbone sees.
  model.image_size = 0
  # mlp or slice.
  model.head = "slice"
  # batchnorm, sigmoid, identity, or relu (the paper's negative result).
  model.activation = "batchnorm"
  # Batch normalization after every convolution.
  model.norm = True
  # SimpleNet: its channels are those of Table I times this.
  model.width = 1.0
  # frozen_backbone: widths of the hidden layers, and the noise on its inputs in
  # training, in standard deviations.
  model.hidden_sizes = ()
  model.input_noise = 0.5
  return model


def _train() -> ConfigDict:
  train = ConfigDict()
  # adamw or sgd.
  train.optimizer = "adamw"
  # one_cycle: `num_epochs` up to `learning_rate` and down; piecewise:
  # `learning_rates`, each for its `stage_steps`.
  train.schedule = "one_cycle"
  train.num_epochs = 6
  train.learning_rate = 3e-3
  train.learning_rates = (0.01, 0.001, 0.0001)
  train.stage_steps = (60_000, 5_000, 5_000)
  train.momentum = 0.9
  train.weight_decay = 0.01
  train.batch_size = 64
  # Random mirroring, and random shifts of up to this number of pixels.
  train.flip = False
  train.shift = 2
  # Blends images, and their hash labels, in pairs: both parameters of the Beta
  # distribution of the shares; 0 blends nothing.
  train.mixup = 0.0
  # Share of the running average of the weights that a step keeps; 0: none.
  train.averaging = 0.0
  # Seconds between checkpoints; at most one in fifty of them is spent on
  # writing one. 0 writes one after every step.
  train.checkpoint_seconds = 60.0
  # Steps between lines of the log.
  train.log_every = 20
  return train


def _encode() -> ConfigDict:
  encode = ConfigDict()
  encode.batch_size = 256
  # auto, onnx or jit: see dsth_jax.models.inference.
  encode.engine = "auto"
  # mean or median of the network's values over the training images (Eq. 14),
  # half (Eq. 22), or labels: the hash labels' own thresholds. Which of them goes
  # with which activation: dsth_jax.config.thresholds.
  encode.threshold = "mean"
  return encode


def _eval() -> ConfigDict:
  evaluation = ConfigDict()
  # K of mAP@K, and the most returned images looked at.
  evaluation.max_rank = 1000
  # Training images whose hash labels are evaluated against all the others.
  evaluation.num_training_queries = 2000
  # Baselines on the same features; names in dsth_jax.baselines.BASELINES.
  evaluation.baselines = ("lsh", "itq")
  # Rows and columns of the picture sheet.
  evaluation.sheet_queries = 8
  evaluation.sheet_results = 10
  return evaluation


def _compare() -> ConfigDict:
  # The names of settings in `variants` have dots, which fields cannot have.
  compare = ConfigDict(convert_dict=False)
  # dsth (as this configuration has it), dsth_simplenet and dsth_frozen_backbone
  # (the same with that network), dsth_paper (the same with the paper's labels),
  # and names in dsth_jax.baselines.BASELINES.
  compare.methods = ("lsh", "itq")
  compare.num_bits = (16, 32)
  # Each is a new draw of a method's randomness; the split is that of config.seed.
  compare.seeds = (0, 1, 2)
  # The most queries of the protocol that are evaluated; 0: all of them.
  compare.num_queries = 0
  # Views of each training image that the backbone describes, once, for methods
  # on features that learn from views; 2 or more.
  compare.num_views = 4
  # The same data under other settings: by the name of each variant, the settings
  # that it changes by their full names, as in {"mlp": {"model.head": "mlp"}}.
  # Every method, code length and seed is measured for every variant, which may
  # have methods and num_bits of its own. Empty: these settings only.
  compare.variants = {}
  return compare
