"""What a careless split would have said: a plain random one, beside the split that keeps patients together."""
