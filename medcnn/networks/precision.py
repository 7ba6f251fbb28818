"""A model that computes in another precision; its variables keep theirs."""

from __future__ import annotations

from typing import Any

import keras

_ALWAYS_FLOAT32 = ("preprocessing", "onnx_encoder", "probabilities")


def in_bfloat16(model: keras.Model) -> keras.Model:
    """A copy of a float32 model whose layers compute in bfloat16; its variables and probabilities stay float32."""
    copy = keras.saving.deserialize_keras_object(_recast(keras.saving.serialize_keras_object(model)))
    copy.set_weights(model.get_weights())
    return copy


def _recast(config: Any) -> Any:
    """A serialized model in which the layers' dtype policies are replaced."""
    if isinstance(config, list):
        return [_recast(item) for item in config]
    if not isinstance(config, dict) or config.get("name") in _ALWAYS_FLOAT32:
        return config
    if config.get("class_name") == "DTypePolicy":
        return {**config, "config": {"name": "mixed_bfloat16"}}
    return {key: _recast(item) for key, item in config.items()}
