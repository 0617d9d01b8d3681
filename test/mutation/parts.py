"""What belongs to this project: which files are mutated, in how many copies, and which tests look at them.

There are two copies of the tree. In `core` the places of the core's layers are rewritten, and its tests are built; in
`http` those of the HTTP client, over a core as it is. So a fault of the core need not compile the client's tests.
"""

import re

INCLUDE = "lib"
SWITCH = "lib/weir/mutant_switch.hpp"
LAYERS = ("time", "sync", "run", "policy", "flow")
HTTP = r"lib/weir/http/detail/({})\.[ch]pp$".format("|".join((
    "session_pool", "sessions",                                      # the pool
    "fetch_schedule", "fetch_schedule_hosts", "host_turns",          # the scheduler
    "response_reader", "line_splitter", "message_lines",             # the reader
    "message_framing", "chunk_decoder", "field_section")))


class Part:
    def __init__(self, name, files, unit, later, options):
        self.name, self.files, self.unit, self.later, self.options = name, files, unit, later, options


PARTS = [
    Part("http", HTTP,
         unit=["test_http"],
         later=["test_http_orders", "test_http_threads", "test_fetch_runs", "test_http_group", "test_http_sessions",
                "test_proof_http"],
         options=["-DWEIR_HTTP=ON", "-DWEIR_TEST_LAYERS=http;proof_http;stress"]),
    Part("core", r"lib/weir/({})/.*\.[ch]pp$".format("|".join(LAYERS)),
         unit=["test_time", "test_run", "test_sync", "test_policy", "test_flow"],
         later=["test_detail", "test_atomic", "test_stress", "test_proof", "test_matrix"],
         options=["-DWEIR_HTTP=OFF", "-DWEIR_TEST_LAYERS=detail;time;sync;run;policy;flow;atomic;stress;proof"]),
]

# All rows of the matrix, but not each schedule of each; the proof is short by itself without optimization.
ENVIRONMENT = {"test_matrix": {"WEIR_MATRIX_STEP": "7"}}


def options(compiler, linker):
    """Building takes longer than running, so nothing is optimized but what tries every order of memory accesses."""
    made = ["-DCMAKE_CXX_COMPILER=" + compiler, "-DCMAKE_BUILD_TYPE=RelMutate", "-DCMAKE_CXX_FLAGS_RELMUTATE=-O0 -w",
            "-DWEIR_WERROR=OFF", "-DWEIR_BUILD_APPS=OFF", "-DWEIR_BUILD_EXAMPLES=OFF", "-DWEIR_CHECKS=OFF",
            "-DWEIR_PRECOMPILE=ON"]
    return made + (["-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld"] if linker else [])


ATOMIC = """
if(TARGET test_atomic) # in the copy that is mutated
    target_compile_options(test_atomic PRIVATE -O1)
    set_target_properties(test_atomic PROPERTIES DISABLE_PRECOMPILE_HEADERS ON)
endif()
"""

