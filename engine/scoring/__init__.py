"""How typical each picture is of its superclass: prompts, similarities, and what follows from them."""
