#!/bin/bash
# clang-format decides layout.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need_tool clang-format

tracked '*.c' '*.h' | xargs -0 -r clang-format --dry-run -Werror
