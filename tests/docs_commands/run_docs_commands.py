#!/usr/bin/python3
"""Runs the commands that the documents show: run_docs_commands.py BIN FILE_OR_FOLDER...

Runnable is a ```console block that directly follows a line `<!-- run -->`, or `<!-- run: exit 3 -->`, `<!-- run: exit 0 or 9 -->`
when its commands are to end with that status, or one of these. Each line that starts with "$ " is a command (a line that ends with a backslash goes on);
the others show output and are not compared. The commands of one document run in order in one bash, in the repository's
root, with `paddock` and build/bin/ being the programs in BIN; PADDOCK_SERVER names the farm to talk to.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys

DOCUMENT_SECONDS = 300
ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = re.compile(r"^\s*<!-- run(?:: exit (\d+(?: or \d+)*))? -->\s*$")


def commands(text):
    """(line number, command, exit statuses that are expected) of every command in a runnable block."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        mark = MARK.match(lines[number])
        number += 1
        if not mark:
            continue
        if number == len(lines) or lines[number].strip() != "```console":
            raise ValueError(f"line {number}: <!-- run --> must stand directly above a ```console block")
        number += 1
        while number < len(lines) and lines[number].strip() != "```":
            line, begin = lines[number].strip(), number + 1
            if line.startswith("$ "):
                while line.endswith("\\") and number + 1 < len(lines):
                    number += 1
                    line += "\n" + lines[number].strip()
                yield begin, line[2:], (mark.group(1) or "0").split(" or ")
            number += 1


def script(document, found, bin_folder):
    parts = ["set -uo pipefail"]
    for number, command, expected in found:
        place = f"{document}:{number}"
        parts += [
            f"printf '%s\\n' {shlex.quote(f'{place}: $ {command}')} >&2",
            "status=0",
            "{ " + command.replace("build/bin/", f"{bin_folder}/") + "\n} || status=$?",
            f"if [[ \" {' '.join(expected)} \" != *\" $status \"* ]]; then"
            f" echo \"{place}: ended with status $status, expected {' or '.join(expected)}\" >&2; exit 1; fi",
        ]
    return "\n".join(parts) + "\n"


def documents(names):
    for name in names:
        path = ROOT / name
        yield from sorted(path.rglob("*.md")) if path.is_dir() else [path]


def main():
    bin_folder = (ROOT / sys.argv[1]).resolve()
    environment = dict(os.environ, PATH=f"{bin_folder}:{os.environ['PATH']}")
    ran = failed = 0
    for path in documents(sys.argv[2:]):
        document = path.relative_to(ROOT).as_posix()
        try:
            found = list(commands(path.read_text(encoding="utf-8")))
            if not found:
                continue
            ran += len(found)
            subprocess.run(["bash", "-c", script(document, found, bin_folder)], cwd=ROOT, env=environment, check=True,
                           stdin=subprocess.DEVNULL, timeout=DOCUMENT_SECONDS)
        except (OSError, ValueError) as error:
            print(f"{document}: {error}", file=sys.stderr)
            failed += 1
        except subprocess.CalledProcessError:
            failed += 1
        except subprocess.TimeoutExpired:
            print(f"{document}: not through after {DOCUMENT_SECONDS} s", file=sys.stderr)
            failed += 1
    if ran == 0:
        print("no document has a runnable command; mark a block with <!-- run -->", file=sys.stderr)
        return 1
    print(f"{ran} commands in the documents, {failed} documents with a failure")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
