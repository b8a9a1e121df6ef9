"""The demo: which concepts it shows, how their pictures are drawn, and what the trained CLIP learns from."""
