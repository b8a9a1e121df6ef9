"""What is looked after while the screens are open: jobs, other seats, and the counts of the top bar."""
