"""What a guest cannot do on each screen, in words that say so when its key is pressed."""

OWNER_ONLY: dict[str, dict[str, str]] = {
    "browse": {"make_superclass": "make a superclass"},
    "duplicates": {"read": "read pictures"},
    "jobs": {
        "new": "begin a job", "cancel": "cancel a job", "resume": "resume a job", "pause": "pause a job",
        "priority": "change the order of jobs",
    },
    "splits": {
        **dict.fromkeys(
            ("shift", "digit", "default", "override", "remedy", "put", "bands", "undo", "redo"), "change a split"
        ),
        "export": "export",
    },
    "evaluate": {"new": "begin an evaluation", "sweep": "begin a sweep", "hurt": "drop words", "export": "export"},
    "labels": dict.fromkeys(("decide", "decide_all", "undo", "redo"), "decide on labels"),
    "settings": dict.fromkeys(("edit", "default"), "change the settings of the workspace"),
}  # fmt: skip
"""screen -> name of the action -> what it does, after the words `A guest seat cannot`."""


def forbidden(screen: str, action: str) -> str:
    """What an action would do that a guest cannot; empty where a guest can.

    Args:
        screen: the mode of the screen in front.
        action: as a binding names it, `shift('hard', 1)` or `screen.shift`.
    """
    name = action.partition("(")[0].rpartition(".")[2]
    return OWNER_ONLY.get(screen, {}).get(name, "")
