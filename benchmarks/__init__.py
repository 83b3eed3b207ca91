"""How fast entrec is, as ratios: against an ideal, against libraries that users would pick instead, and by size."""
