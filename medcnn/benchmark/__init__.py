"""The same model in several engines: timed side by side on the same images and threads, each in its own process."""
