#!/usr/bin/env bash
# Rebuilds every guest image from its source, byte for byte.
#
#   guests/build.sh            writes the images, bench/expected.json and bench/toolchain.txt beside the sources
#   guests/build.sh --check    rebuilds into a temporary directory and compares with what is committed;
#                              on a difference: one line, exit status 1
#
# NASM images are always compared. The C images under bench/ and the native runner depend on the compiler: they are compared
# only where gcc and ld are the versions in bench/toolchain.txt. The checksums of bench/ (expected.json) are compared wherever
# there is a gcc; elsewhere the runner has to build and to say hello.

set -euo pipefail
cd "$(dirname "$0")"
export LC_ALL=C

nasm_guests=(hello-real:bin hello-protected:elf hello-long:bin vmexit:bin promise:bin smc:bin faults:bin single:bin privileged:bin legacy:bin kicker:bin screen:bin clocks:bin bios-disk:img)
loops=(sieve crc32 sha256 quicksort tree matrix mix bytecode fib strings)
# Loops of floating point: each is built twice, for SSE2 and for the x87.
float_loops=(nbody mandelbrot)
# No SSE, no x87: these loops measure the integer core. -march and -mtune pin the code that GCC chooses.
integer_only=(-mno-sse -mno-mmx -mno-80387 -mgeneral-regs-only)
cflags=(-std=c11 -O2 -march=x86-64 -mtune=generic -Wall -Wextra -Werror -ffreestanding -fno-pic -no-pie
  -mno-red-zone -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables
  -fno-tree-loop-distribute-patterns -nostdlib -static)

# The native runner is no guest but a program for Linux, without a C library, that stands at an address of its own.
native_cflags=(-std=gnu11 -O2 -march=x86-64 -mtune=generic -Wall -Wextra -Werror -ffreestanding -fpie -mgeneral-regs-only -mno-red-zone
  -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -fno-strict-aliasing
  -nostdlib)

# Every operation rounds by itself, and a square root sets no errno: the result is the same whatever the compiler keeps where.
float_flags=(-ffp-contract=off -fno-math-errno -fno-tree-vectorize)

fail() { echo "guests/build.sh: $*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || fail "$1 is needed to rebuild the guests and is not installed"; }
toolchain() { gcc --version | head -n 1; ld --version | head -n 1; }

build_nasm() { # to directory $1
  local guest name format
  for guest in "${nasm_guests[@]}"; do
    name=${guest%:*} format=${guest#*:}
    mkdir -p "$1/$name"
    nasm -f bin -Werror -I include/ -I "$name/" -o "$1/$name/$name.$format" "$name/$name.asm"
  done
}

build_loops() { # to directory $1
  local loop work
  work=$1/objects
  mkdir -p "$work" "$1/bench"
  nasm -f elf64 -Werror -I include/ -o "$work/entry.o" bench/entry.asm
  gcc "${cflags[@]}" "${integer_only[@]}" -c -o "$work/runtime.o" bench/runtime.c
  for loop in "${loops[@]}"; do
    gcc "${cflags[@]}" "${integer_only[@]}" -c -o "$work/$loop.o" "bench/$loop.c"
  done
  for loop in "${float_loops[@]}"; do
    gcc "${cflags[@]}" "${float_flags[@]}" -c -o "$work/$loop-sse2.o" "bench/$loop.c"
    gcc "${cflags[@]}" "${float_flags[@]}" -DX87 -mfpmath=387 -c -o "$work/$loop-x87.o" "bench/$loop.c"
  done
  for loop in "${loops[@]}" "${float_loops[@]/%/-sse2}" "${float_loops[@]/%/-x87}"; do
    ld -T bench/image.ld --no-warn-rwx-segments -z noexecstack --build-id=none -o "$work/$loop.elf" \
      "$work/entry.o" "$work/runtime.o" "$work/$loop.o"
    objcopy -O binary "$work/$loop.elf" "$1/bench/$loop.bin"
    chmod 644 "$1/bench/$loop.bin"
    [ "$(stat -c %s "$1/bench/$loop.bin")" -le 32768 ] || fail "bench/$loop.bin is larger than 32 KiB"
  done
}

build_native() { # to directory $1
  local work
  work=$1/objects
  mkdir -p "$work" "$1/native"
  gcc "${native_cflags[@]}" -c -o "$work/runner.o" native/runner.c
  ld -T native/runner.ld --no-warn-rwx-segments -z noexecstack --build-id=none -s -o "$1/native/runner.elf" "$work/runner.o"
  chmod 755 "$1/native/runner.elf"
}

says_hello() { # the runner $1: it wants the data pages' contents, and answers with eight bytes
  [ "$(head -c 8192 /dev/zero | "$1" | tr -d '\0')" = dobdubr1 ]
}

# promise.asm says behind each END_CASE how many signals a correct host sees: `; N: why`.
write_signals() { # to directory $1
  {
    echo '['
    sed -nE "s/^ +END_(CASE|READ) '([^']+)'[^;]*; ([0-9]+): (.*)$/  { \"case\": \"\2\", \"signals\": \3, \"checks\": \"\4\" },/p" \
      promise/promise.asm | sed '$ s/,$//'
    echo ']'
  } >"$1/promise/expected.json"
}

# The known-good checksums come from the same C, compiled as an ordinary Linux program and run on this machine's CPU.
write_expected() { # to directory $1
  local loop work separator= flags
  work=$1/objects
  mkdir -p "$work" "$1/bench"
  {
    echo '{'
    for loop in "${loops[@]}" "${float_loops[@]/%/-sse2}" "${float_loops[@]/%/-x87}"; do
      flags=()
      [[ $loop != *-sse2 ]] || flags=("${float_flags[@]}")
      [[ $loop != *-x87 ]] || flags=("${float_flags[@]}" -DX87)
      gcc -std=c11 -O2 -Wall -Wextra -Werror "${flags[@]}" -DNATIVE -o "$work/$loop.native" bench/runtime.c "bench/${loop%-*}.c"
      one=$("$work/$loop.native" n=1 2>/dev/null) all=$("$work/$loop.native" 2>"$work/$loop.repeats")
      printf '%s  "%s": { "n1": "%s", "defaultRepeats": %s, "default": "%s" }' "$separator" "$loop" "${one#* }" \
        "$(cat "$work/$loop.repeats")" "${all#* }"
      separator=$',\n'
    done
    printf '\n}\n'
  } >"$1/bench/expected.json"
}

case "${1:-}" in
'')
  need nasm
  need gcc
  need ld
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  build_nasm "$work"
  write_signals "$work"
  build_loops "$work"
  build_native "$work"
  write_expected "$work"
  rm -rf "$work/objects"
  toolchain >"$work/bench/toolchain.txt"
  cp -r "$work/." .
  ;;
--check)
  need nasm
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  build_nasm "$work"
  write_signals "$work"
  if ! command -v gcc >/dev/null || ! command -v ld >/dev/null; then
    echo "guests/build.sh: bench/ images and checksums not compared: gcc or ld is not installed"
  else
    write_expected "$work"
    if [ "$(toolchain)" = "$(cat bench/toolchain.txt)" ]; then
      build_loops "$work"
      build_native "$work"
    else
      echo "guests/build.sh: bench/ images not compared: built by $(head -n 1 bench/toolchain.txt), here is $(toolchain | head -n 1)"
      if [ "$(uname -sm)" = 'Linux x86_64' ]; then
        build_native "$work"
        says_hello "$work/native/runner.elf" || fail "native/runner.c builds here, but does not run"
        says_hello native/runner.elf || fail "native/runner.elf does not run here"
        rm "$work/native/runner.elf"
      fi
    fi
  fi
  rm -rf "$work/objects"
  count=0
  while IFS= read -r file; do
    cmp -s "$work/$file" "$file" || fail "guests/$file is not what its source builds (run guests/build.sh and commit)"
    count=$((count + 1))
  done < <(cd "$work" && find . -type f | sed 's|^\./||' | sort)
  echo "guests/build.sh: $count files are what their sources build"
  ;;
*) fail "unknown argument '$1' (nothing, or --check)" ;;
esac
