"""Long work that a person can ask for: what has to be said, the request made of it, and how it is started.

The command line and the form of the Jobs screen make their requests here.
"""
