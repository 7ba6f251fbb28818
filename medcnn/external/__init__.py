"""The models of one study tested on the images of another, as they are: nothing is fitted again."""
