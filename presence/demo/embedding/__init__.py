"""A site of its own that embeds the demo: another origin, served by the same process, with every way to embed."""
