"""What is known, in lines of words: for the command line and the screens alike."""
