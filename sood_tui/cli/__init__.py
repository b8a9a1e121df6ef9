"""The command line: a contract that scripts rely on."""

from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns: 0 done, 1 a bug, 2 wrong input or state, 3 a job failed, 130 interrupted.
    """
    import traceback

    from typer.exceptions import Abort, Exit, TyperException

    from sood_tui.cli.main import app
    from sood_tui.cli.output import say
    from sood_tui.notices import EXIT_BUG, EXIT_INPUT, EXIT_INTERRUPTED, describe

    try:
        result = app(args=hoisted(arguments), prog_name="sood-tui", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except Abort:
        return EXIT_INTERRUPTED
    except Exit as leaving:
        return leaving.exit_code
    except TyperException as error:
        # A room without a command answers with its help; that is no error to be told of.
        say(str(error) if type(error).__name__ == "NoArgsIsHelpError" else f"Error: {error}")
        return EXIT_INPUT
    except BrokenPipeError:
        return 0
    except (Exception, KeyboardInterrupt) as error:
        notice = describe(error)
        if notice is None:
            traceback.print_exc()
            say("This is a bug in sood-tui; nothing that was decided is lost. Please report the lines above.")
            return EXIT_BUG
        say(f"Error: {notice.message}" if notice.severity == "error" else notice.message)
        if notice.hint:
            say(notice.hint)
        return notice.exit_code


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
