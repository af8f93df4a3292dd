"""Compile the Triton kernels for a GPU, which need not be there: registers, spilled bytes and shared memory of each.

    python scripts/compile_kernels.py            # as an H100 gets them
    python scripts/compile_kernels.py --small    # tiny tiles, which compile in a few seconds: a check for errors

Triton must not be in its interpreter (TRITON_INTERPRET).
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from letterocr.engine.gpu import learning_kernels, letter_kernels, middle_kernels

INTEGERS, BYTES = {"labels", "arrived", "truth", "counts"}, {"wrong", "due"}
NUMBERS = {"block", "first", "start", "stop", "end", "i", "m", "m2", "classes", "width", "letters", "splits", "tiles"}
NUMBERS |= {"n", "rows", "columns", "depth", "a_row", "b_row", "x_row"}
FLAGS = {"SIGMOID": True, "OUTPUT_SLOPE": True, "HIDDEN_SLOPE": True, "BIAS": True}


def list_kernels(small: bool) -> list[tuple[Any, int, dict[str, Any]]]:
    """Return each kernel with its groups of 32 threads and its constants, with and without momentum."""
    out, j, chunk = (16, 8, 32) if small else (32, 32, 128)
    tiles, warps = (8, 1) if small else (128, 4)
    listed: list[tuple[Any, int, dict[str, Any]]] = []
    listed.append((learning_kernels.learn_one_matrix, warps, {"J": j, "OUT": out}))
    shares: tuple[tuple[int, int, bool, int], ...] = ((16, chunk, True, warps), (1, chunk, False, 4 * warps))
    shares += () if small else ((8, 256, True, 8), (4, 128, False, 16))
    for momentum in (True,) if small else (False, True):
        step = {"MOMENTUM": momentum, "DECAY": momentum}
        for programs, width, keep, group in shares:
            constants = {"PROGRAMS": programs, "C": width, "J": j, "OUT": out, "KEEP": keep}
            constants |= {"BEGIN": True, "WAIT": programs > 1}
            listed.append((learning_kernels.learn_two_matrices, group, constants | step))
        shapes = {"C": chunk, "J": j, "OUT": out, "TILES": tiles} | step
        listed.append((middle_kernels.send_forward, warps, shapes | {"ROWS": 16}))
        listed.append((middle_kernels.learn_last_matrix, warps, shapes))
        listed.append((middle_kernels.send_back, warps, shapes | {"C": 32, "ROWS": 16 if small else 64}))
        letters = {"BT": 16 if small else 32, "OUT": out} | step
        listed.append((letter_kernels.count_one_matrix, warps, letters))
        follow = letters | {"C": 16 if small else 64, "PRECISION": "tf32x3"}
        listed.append((letter_kernels.follow_two_matrices, warps, follow))
    listed.append((letter_kernels.count_two_matrices, warps, {"BT": 32, "OUT": out}))
    if not small:
        from letterocr.engine.gpu import product_kernel, table_kernel  # import PyTorch, which takes seconds

        listed.append((table_kernel.fill_tables, 1, {"COLUMNS": 256}))
        tile = {"ROWS": 128, "COLUMNS": 128, "DEPTH": 32, "PRECISION": "tf32x3"}
        listed.append((product_kernel.multiply_tiles, product_kernel.WARPS, tile))
    return listed


def compile_kernel(kernel: Any, warps: int, constants: dict[str, Any], capability: int) -> Any:
    """Compile a kernel for float32; return Triton's compiled kernel."""
    given = {name: value for name, value in (FLAGS | constants).items() if name in kernel.arg_names}
    signature, attributes = {}, {}
    for place, name in enumerate(kernel.arg_names):
        if name in given:
            signature[name] = "constexpr"
        elif name in NUMBERS or name.endswith("_step"):
            signature[name] = "i32"
        else:
            signature[name] = "*i32" if name in INTEGERS else "*i8" if name in BYTES else "*fp32"
            attributes[(place,)] = [["tt.divisibility", 16]]
    constexprs = {(kernel.arg_names.index(name),): value for name, value in given.items()}
    source = ASTSource(fn=kernel, signature=signature, constexprs=constexprs, attrs=attributes)
    options = {"num_warps": warps, "launch_cooperative_grid": bool(given.get("WAIT"))}
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


def read_registers(ptx: str, capability: int) -> str:
    """Return what ptxas says about the registers of a kernel."""
    ptxas = Path(triton.__file__).parent / "backends/nvidia/bin/ptxas"
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(ptx)
        file.flush()
        command = [str(ptxas), "-v", f"--gpu-name=sm_{capability}a", file.name, "-o", "/dev/null"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    lines = [line.split(":")[-1].strip() for line in said.splitlines() if "registers" in line or "spill" in line]
    return "; ".join(lines)


def main() -> None:
    """Compile every kernel, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="tiny tiles, without the registers")
    parser.add_argument("--capability", type=int, default=90, help="compute capability of the GPU, times ten")
    given = parser.parse_args()
    for kernel, warps, constants in list_kernels(given.small):
        compiled = compile_kernel(kernel, warps, constants, given.capability)
        detail = "" if given.small else read_registers(compiled.asm["ptx"], given.capability)
        print(f"{kernel.__name__} {constants} shared {compiled.metadata.shared} {detail}", flush=True)


if __name__ == "__main__":
    main()
