#!/usr/bin/python3
"""Checks which part may include which, over all sources below a root: check_layering.py [ROOT].

A broken rule is printed as file:line with the rule; exit code 1 then. RULES is the one place where the rules live;
docs/architecture.md shows them as a picture.
"""

import pathlib
import re
import sys

# The first entry whose folder holds the file gives what it may include of ours; a file may always include its own folder.
# Longer folders come before the shorter ones that hold them.
BASE = ["base/"]
BOARDS = BASE + ["boards/"]
KPI = BASE + ["kpi/"]
DRIVER_API = KPI + ["device_drivers/api/"]
CORE = DRIVER_API + ["server/core/"]  # a device is described in the drivers' words
STORE = CORE + ["server/store/"]
RULES = [
    ("base/", BASE),
    ("boards/", BOARDS),
    ("kpi/", KPI),
    ("device_drivers/api/", DRIVER_API),
    ("device_drivers/registry.", DRIVER_API + ["device_drivers/"]),
    ("device_drivers/meters_registry.", DRIVER_API + ["device_drivers/meters"]),
    ("device_drivers/mcu/", DRIVER_API + ["boards/"]),
    ("device_drivers/", DRIVER_API),  # a family: device_drivers/NAME/; never another family
    ("prepare/", KPI + ["boards/", "prepare/", "device_drivers/onnxruntime/ort_"]),  # a vendor library's wrapper, never its driver
    ("agent/", DRIVER_API + ["boards/", "device_drivers/registry.h", "device_drivers/meters_registry.h"]),
    ("server/core/", CORE),
    ("server/store/", STORE),
    ("server/artifacts/", CORE),
    ("server/rpc/", STORE + ["server/", "prepare/"]),
    ("server/", STORE + ["server/", "prepare/"]),
    ("cli/", KPI + ["boards/", "prepare/"]),
]

# Headers that stay at the edge: what they look like, what they are called, the files that may include them.
EDGES = [
    (re.compile(r"^(paddock/v1/|grpc/|grpcpp/)"), "gRPC and the generated protocol code",
     re.compile(r"^(proto/|server/rpc/|server/[^/]*main[^/]*\.cc$|agent/link_grpc|cli/)")),
    (re.compile(r"^sqlite3\.h$"), "sqlite3.h", re.compile(r"^server/store/[^/]+\.cc$")),
]

PARTS = ["base", "boards", "kpi", "device_drivers", "prepare", "agent", "server", "cli", "proto"]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def own_folder(path):
    """The folder a file may always include: of a driver family the family's, elsewhere the one it lies in."""
    parts = path.split("/")
    if parts[0] == "device_drivers" and len(parts) > 2:
        return "/".join(parts[:2]) + "/"
    return "/".join(parts[:-1]) + "/"


def broken_rule(path, included):
    """Why PATH may not include INCLUDED, or None."""
    for header, name, allowed in EDGES:
        if header.match(included) and not allowed.match(path):
            return f"{name} may not be included here"
    if included.split("/")[0] == "tests":
        return "nothing may include tests/"
    if included.split("/")[0] not in PARTS or included.startswith("proto/"):
        return None
    for folder, allowed in RULES:
        if path.startswith(folder):
            own = [] if folder.endswith("registry.") else [own_folder(path)]
            if included.startswith(tuple(allowed + own)):
                return None
            return f"{folder}* may include only {', '.join(dict.fromkeys(allowed))} and its own folder"
    return None


def violations(root):
    for part in PARTS:
        for file in sorted((root / part).rglob("*")):
            if file.suffix not in (".h", ".cc"):
                continue
            path = file.relative_to(root).as_posix()
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                reason = match and broken_rule(path, match.group(2))
                if reason:
                    yield f"{path}:{number}: includes {match.group(2)}: {reason}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = list(violations(root))
    print("\n".join(found) if found else "every include keeps to the layers")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
