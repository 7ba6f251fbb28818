"""Networks, their pretrained weights, and the files that trained models are kept in."""
