import numpy as np

from tests.lazy import lazy
from tests.networks.blocks import settings

keras = lazy("keras")
optimizers = lazy("medcnn.train.optimizers")


def test_adamw_is_that_of_keras_but_for_rounding() -> None:
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(4, 3)), rng.normal(size=(5, 4, 3))
    own, other = (keras.Variable(start, dtype="float32") for _ in range(2))
    ours = optimizers.optimizer(settings("tiny", optimizer="adamw", weight_decay=0.1, clip_norm=2.0), [own])
    theirs = keras.optimizers.AdamW(0.0, weight_decay=0.1, global_clipnorm=2.0)
    for gradient in gradients:
        for optimizer, variable in ((ours, own), (theirs, other)):
            optimizer.learning_rate = 0.01
            optimizer.apply([keras.ops.convert_to_tensor(gradient.astype(np.float32))], [variable])
    np.testing.assert_allclose(own.numpy(), other.numpy(), rtol=1e-5, atol=1e-6)
    assert len(ours.variables) == len(theirs.variables)
    assert np.abs(own.numpy() - start).min() > 0.005
