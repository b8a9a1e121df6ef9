"""Commands of the room wordnet."""

import sys
from typing import Annotated, Any

import typer

from engine.wordnet.finding import find as find_synsets
from engine.wordnet.resolve import resolve
from engine.wordnet.tree import TreeRow, tree_rows
from sood_tui.cli.context import AsJson, open_workspace
from sood_tui.cli.output import emit, emit_json, plain, say
from store.connection import Cursor
from store.wordnet.lists import fetch_memberships
from store.wordnet.synsets import Synset, fetch_hypernym_path, fetch_nodes, fetch_parents

app = typer.Typer(
    name="wordnet", help="Look things up in WordNet.", no_args_is_help=True, rich_markup_mode=None, add_completion=False
)

SynsetArgument = Annotated[
    str, typer.Argument(metavar="SYNSET", help="A wnid, a name such as dog.n.01, or a word that has one sense.")
]
FOUND = {
    "wnid": "wnid",
    "name": "name",
    "descendants": "descendants",
    "subtree_images": "pictures",
    "lemmas": "lemmas",
    "gloss": "gloss",
}


@app.command()
def find(
    context: typer.Context,
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="Words of a lemma or a gloss, a wnid or a name.")],
    limit: Annotated[int, typer.Option(min=1, help="List at most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the synsets that a text may mean, best first.

    Example: sood-tui wordnet find toy spaniel
    """
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        found = find_synsets(cursor, " ".join(text), limit)
        nodes = fetch_nodes(cursor, [synset.wnid for synset in found])
    rows = [
        {
            **plain(synset),
            "descendants": nodes[synset.wnid].descendants,
            "images": nodes[synset.wnid].images,
            "subtree_images": nodes[synset.wnid].subtree_images,
        }
        for synset in found
    ]
    emit(rows, FOUND, as_json, empty="No noun of WordNet 3.0 has that in its words or its gloss.")
    if len(rows) == limit and not as_json:
        say(f"There may be more than these {limit}: --limit lists them.")


@app.command()
def show(context: typer.Context, synset: SynsetArgument, as_json: AsJson = False) -> None:
    """Show one synset: words, gloss, path to the root, what lies below, pictures, and the lists that name it.

    Example: sood-tui wordnet show dog.n.01
    """
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        details = _details(cursor, resolve(cursor, synset))
    if as_json:
        emit_json(details)
        return
    lines = [
        f"{details['name']}  {details['wnid']}  {details['lexname']}",
        f"lemmas       {', '.join(details['lemmas'])}",
        f"gloss        {details['gloss']}",
        f"path         {' > '.join(step['name'] for step in details['path'])}",
        f"hypernyms    {', '.join(step['name'] for step in details['hypernyms']) or 'none'}",
        f"hyponyms     {details['children']:,} direct, {details['descendants']:,} in all",
        f"pictures     {details['images']:,} of its own, {details['subtree_images']:,} with those below, "
        f"in {details['subtree_synsets']:,} synsets",
        f"named by     {', '.join(item['list_name'] for item in details['membership']) or 'none of the lists'}",
        f"seen         {details['sense_count']:,} times in the sense-tagged corpora",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


@app.command()
def tree(
    context: typer.Context,
    synset: SynsetArgument,
    depth: Annotated[int | None, typer.Option(min=0, help="At most so many steps down; all without it.")] = None,
    with_images: Annotated[bool, typer.Option("--with-images", help="Only what has pictures below it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what lies below a synset. A synset with two hypernyms stands below both; (again) marks the second time.

    Behind each name stand the number of synsets below it and, where there are any, of pictures in its subtree.

    Example: sood-tui wordnet tree toy_dog.n.01 --depth 2
    """
    with open_workspace(context) as workspace, workspace.opened().reading() as cursor:
        rows = tree_rows(cursor, resolve(cursor, synset), depth, with_images)
    if as_json:
        emit_json([_flat(row) for row in rows])
        return
    sys.stdout.write("".join(_tree_line(row) + "\n" for row in rows))
    if with_images and rows and not rows[0].node.subtree_images:
        say("There are no pictures below it. `sood-tui images add ROOT` brings them in.")


def _details(cursor: Cursor, wnid: str) -> dict[str, Any]:
    path = fetch_hypernym_path(cursor, wnid)
    node = fetch_nodes(cursor, [wnid]).get(wnid)
    return {
        **plain(path[-1]),
        "path": [_step(above) for above in path],
        "hypernyms": [_step(above) for above in fetch_parents(cursor, wnid)],
        # An adjective is no node of the tree.
        "is_instance": node.is_instance if node else False,
        "children": node.children if node else 0,
        "descendants": node.descendants if node else 0,
        "images": node.images if node else 0,
        "subtree_images": node.subtree_images if node else 0,
        "subtree_synsets": node.subtree_synsets if node else 0,
        "membership": [item._asdict() for item in fetch_memberships(cursor, wnid)],
    }


def _step(synset: Synset) -> dict[str, str]:
    return {"wnid": synset.wnid, "name": synset.name}


def _flat(row: TreeRow) -> dict[str, Any]:
    return {
        **plain(row.node),
        "hypernym_wnid": row.hypernym_wnid,
        "depth": row.depth,
        "repeated": row.repeated,
    }


def _tree_line(row: TreeRow) -> str:
    node = row.node
    parts = ["  " * row.depth + node.name, node.wnid]
    if node.is_instance:
        parts.append("(instance)")
    if node.descendants:
        parts.append(f"{node.descendants:,} below")
    if node.subtree_images:
        parts.append(f"{node.subtree_images:,} pictures")
    if row.repeated:
        parts.append("(again)")
    return "  ".join(parts)
