"""Every key of every screen, and how keys reach the screens."""
