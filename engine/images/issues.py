"""What can be the matter with what lies in a root: a word for each kind, and the sentence that explains it."""

ISSUE_KINDS = {
    "unknown_wnid": "The folder or line names a wnid that is not in WordNet 3.0; its pictures are left out.",
    "not_a_noun": "The wnid is an adjective's; pictures stand under nouns only.",
    "unknown_folder": "The folder's name does not begin with a wnid; its pictures are left out.",
    "unmapped_class": "The mapping does not say which synset this class folder is; its pictures are left out.",
    "unknown_class": "The class folder's name is no noun of WordNet; a mapping (class,wnid) can say what it is.",
    "ambiguous_class": "The class folder's name means several nouns; a mapping (class,wnid) can say which one.",
    "empty_folder": "There is no picture in the folder.",
    "hidden_folder": "Folders whose name begins with a dot are not entered.",
    "unreadable_folder": "The folder could not be read; pictures known from before are kept.",
    "vanished_folder": "The folder went away while the root was scanned.",
    "folder_loop": "The link leads back to a folder that holds it, and is not followed.",
    "not_a_picture": "The file's name has no picture's ending, or begins with a dot.",
    "broken_link": "The link leads nowhere.",
    "stray_file": "The file lies beside the folders, so that nothing says what it shows.",
    "unreadable_line": "The line of the list does not say which file shows which synset.",
    "duplicate_line": "The list names the file a second time; the first line counts.",
    "duplicate_picture": "Another root has the same file already.",
    "outside_root": "The path leads out of the folder that the list is relative to.",
    "undecodable": "The file could not be read as a picture.",
    "missing_file": "The file was not there when it was to be read.",
}

PICTURE_ENDINGS = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".avif")
)


def is_picture_name(name: str) -> bool:
    """Whether a file of this name is taken for a picture. Dot files are not: some systems leave ``._x.jpg`` about."""
    dot = name.rfind(".")
    return dot > 0 and name[0] != "." and name[dot:].lower() in PICTURE_ENDINGS


def explain(kind: str) -> str:
    """The sentence for a kind of issue."""
    return ISSUE_KINDS.get(kind, kind.replace("_", " "))
