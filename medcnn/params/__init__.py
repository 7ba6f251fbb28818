"""``params.yaml`` as frozen, typed objects; anything unknown or out of range is refused before any work starts."""
