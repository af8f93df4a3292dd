"""Python imports this when it starts with this folder on its path: `held.hold_runs`, once the run's module is there."""

import importlib.machinery
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

RUNS = "letterocr.run.learning"


class HoldingFinder:
    """Finds the run's module as Python does, and lets its runs wait once it is imported."""

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if name != RUNS:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_hold(module: ModuleType) -> None:
            execute(module)
            sys.path.append(str(Path(__file__).parents[1]))
            from held import hold_runs

            hold_runs()

        spec.loader.exec_module = execute_and_hold
        return spec


if "LETTEROCR_TEST_GO" in os.environ:
    sys.meta_path.insert(0, HoldingFinder())
