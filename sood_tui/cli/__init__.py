"""The command line: a contract that scripts rely on."""

from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns: 0 done, 1 a bug, 2 wrong input or state, 3 a job failed, 130 interrupted.
    """
    from sood_tui.notices import EXIT_BUG, describe

    try:
        asked = screens_asked_for(arguments)
        return _run_command(arguments) if asked is None else _open_screens(**asked)
    except BrokenPipeError:
        return 0
    except (Exception, KeyboardInterrupt) as error:
        import traceback

        from sood_tui.cli.output import say

        notice = describe(error)
        if notice is None:
            traceback.print_exc()
            say("This is a bug in sood-tui; nothing that was decided is lost. Please report the lines above.")
            return EXIT_BUG
        say(f"Error: {notice.message}" if notice.severity == "error" else notice.message)
        if notice.hint:
            say(notice.hint)
        return notice.exit_code


def screens_asked_for(arguments: Sequence[str]) -> dict[str, str] | None:
    """What is said about the screens, when nothing but the screens is asked for; else None."""
    asked: dict[str, str] = {}
    waiting = iter(arguments)
    for argument in waiting:
        name, has_value, value = argument.partition("=")
        name = {"-w": "--workspace"}.get(name, name)
        if name not in ("--workspace", "--graphics", "--as"):
            return None
        given = value if has_value else next(waiting, None)
        if given is None:
            return None
        asked[name.removeprefix("--")] = given
    return asked


def _open_screens(workspace: str | None = None, graphics: str | None = None, **said: str) -> int:
    """Open the screens without the parser of commands, whose loading would double the time to the first frame."""
    import gc
    from pathlib import Path

    gc.disable()  # until the first frame: everything that is loaded until then stays
    from sood_tui.session import run_app
    from sood_tui.settings import sign_as
    from sood_tui.workspace import find_workspace

    if "as" in said:
        sign_as(said["as"])
    return run_app(find_workspace(Path(workspace) if workspace else None), graphics)


def _run_command(arguments: Sequence[str]) -> int:
    from typer.exceptions import Abort, Exit, TyperException

    from sood_tui.cli.main import app
    from sood_tui.cli.output import say
    from sood_tui.notices import EXIT_INPUT, EXIT_INTERRUPTED

    try:
        result = app(args=hoisted(arguments), prog_name="sood-tui", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except Abort:
        return EXIT_INTERRUPTED
    except Exit as leaving:
        return leaving.exit_code
    except TyperException as error:
        # A room without a command answers with its help; that is no error to be told of.
        is_help = type(error).__name__ == "NoArgsIsHelpError"
        say(str(error) if is_help else f"Error: {error.format_message()}")  # names the option, which str() does not
        return EXIT_INPUT


def hoisted(arguments: Sequence[str]) -> list[str]:
    """The arguments with -w DIR, which may stand anywhere, moved to the front where the root reads it."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument in ("-w", "--workspace"):
            front += [argument, *([value] if (value := next(waiting, None)) is not None else [])]
        elif argument.startswith("--workspace="):
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest
