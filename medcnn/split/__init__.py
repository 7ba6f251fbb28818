"""Every image looked at, labelled and dealt to train, validation and test."""
