"""Sources, preparation, views and batches of images."""
