"""What each screen works on: read in one go by a thread and held ready, without a screen."""
