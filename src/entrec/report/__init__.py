"""From results to a page: tables, figures, claims, provenance. Nothing here computes a score."""
