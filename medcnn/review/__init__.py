"""A change set beside the state that it is to join: the verdict, the gate, and the comment on a pull request."""
