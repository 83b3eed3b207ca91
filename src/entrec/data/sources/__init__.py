"""The sources of images: one module for each name in `entrec.sources.SOURCES` (see `entrec.data.source`)."""
