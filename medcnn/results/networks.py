"""Single models as trained, exported, stressed and explained."""

from __future__ import annotations

from medcnn.results.base import Number, Record


class Made(Record):
    """Where numbers come from, as far as it shows in their last digits.

    Attributes:
        bytes: ``compute.bytes``.
        processor: the kind of processor that gives these bytes.
        packages: versions of the libraries that computed.
    """

    bytes: str
    processor: str
    packages: dict[str, str]


class Trained(Record):
    """``metrics/train/S/M.json``; loss and accuracy are those of the best epoch, by part.

    Attributes:
        epochs: 0 of a probe, which is fitted without any.
        macs: multiply-accumulates for one image.
        strength: of a probe's penalty, as scikit-learn's C.
        made: None in files of an earlier version.
        networks: how many a fold ensemble averages; its epochs are those of all together, its best epoch and figures
            are means over them.
    """

    epochs: int
    best_epoch: int
    parameters: int
    trainable_parameters: int
    macs: int
    loss: dict[str, Number]
    accuracy: dict[str, Number]
    strength: float | None = None
    made: Made | None = None
    networks: int | None = None


class Parity(Record):
    """ONNX Runtime against Keras on test.

    Attributes:
        undecided: images whose answer the last digits decide; they are left out of the largest difference.
        max_difference: of any probability.
        argmax_agreement: share of images that are given the same class.
    """

    images: int
    undecided: int
    max_difference: float
    argmax_agreement: float
    accuracy_keras: float
    accuracy_onnx: float


class Quantisation(Record):
    """What int8 costs on validation; a drop or rise below 0 is a gain."""

    images: int
    accuracy_float32: Number
    accuracy_int8: Number
    accuracy_drop: Number
    cross_entropy_float32: Number
    cross_entropy_int8: Number
    cross_entropy_rise: Number


class Layers(Record):
    """How many layers, or members of an ensemble or a cascade, are in each precision."""

    int8: int
    float32: int


class Int8(Record):
    """A quantised file; ``left_in_float`` names the layers or members that int8 would have cost too much."""

    bytes: int
    sha256: str
    precision: str
    layers: Layers
    left_in_float: tuple[str, ...]
    calibration_images: int
    validation: Quantisation
    trials: int


class Exported(Record):
    """``metrics/export/S/M.json``, and a block of ``metrics/export_ensembles/S.json``.

    Attributes:
        keras_sha256: of the network's Keras file; None of an ensemble or a cascade.
        members: the networks of an ensemble or a cascade; None of a network.
    """

    bytes: int
    sha256: str
    opset: int
    temperature: float
    conformal_threshold: float
    parity: Parity
    int8: Int8
    keras_sha256: str | None = None
    members: tuple[str, ...] | None = None


class Accuracy(Record):
    """Accuracy on test with its interval."""

    accuracy: Number
    accuracy_low: Number
    accuracy_high: Number


class Degraded(Accuracy):
    """The same on images degraded with some strength."""

    strength: float


class Stressed(Record):
    """``metrics/stress/S/M.json``: on the images as they are, on the mean of augmented views, and by kind of damage."""

    images: int
    clean: Accuracy
    augmented: Accuracy
    degraded: dict[str, tuple[Degraded, ...]]


class Map(Record):
    """How far one map of what a model looks at can be trusted.

    Attributes:
        inside: share of what speaks for the class that lies within the body; None where no body is seen.
        shuffled: rank correlation with the map of the same model with shuffled weights, where that was made.
    """

    inside: Number
    shuffled: Number


class Method(Map):
    """The maps of one method, of which figures are the means.

    Attributes:
        of: the model that is explained.
        images: how many have a map.
        checked: how many have one of shuffled weights too.
    """

    of: str
    images: int
    checked: int


class Explained(Record):
    """One picture: the image, its class, the answer with its calibrated probability, the file, and its maps."""

    image_id: str
    path: str
    label: str
    predicted: str
    probability: float
    file: str
    maps: dict[str, Map]


class Gallery(Record):
    """``metrics/explain/S.json``.

    Attributes:
        model: the chosen model, by whose answers the images are picked.
        body: share of an image that shows the body, the mean over the images where it is seen.
        methods: ``occlusion`` and ``grad_cam``, as far as they could be used, in the order of a picture's parts.
        images: by kind: ``errors``, ``uncertain`` and ``typical``.
    """

    model: str
    body: Number
    methods: dict[str, Method]
    images: dict[str, tuple[Explained, ...]]
