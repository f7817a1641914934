#!/bin/bash -eu
# Does here what the service's images do, without docker: base-builder's `compile` (environment and flags for one sanitizer,
# then build.sh), base-runner's check of the build, and its `run_fuzzer`.
#   fuzzing/service.sh build [address|undefined]
#   fuzzing/service.sh run TARGET [SECONDS]
# CC and CXX default to clang-14 and clang++-14. Everything it makes is below .fuzz/service.

root="$(cd "$(dirname "$0")/.." && pwd)"
base="$root/.fuzz/service"
export SRC="$base/src" OUT="$base/out" WORK="$base/work"
export CC="${CC:-clang-14}" CXX="${CXX:-clang++-14}"

build() {
  export SANITIZER="$1" FUZZING_ENGINE=libfuzzer ARCHITECTURE=x86_64 FUZZING_LANGUAGE=c++
  case "$SANITIZER" in
    address) flags="-fsanitize=address -fsanitize-address-use-after-scope" ;;
    undefined) flags="-fsanitize=array-bounds,bool,builtin,enum,integer-divide-by-zero,null,return,returns-nonnull-attribute,shift,signed-integer-overflow,unsigned-integer-overflow,unreachable,vla-bound,vptr -fno-sanitize-recover=array-bounds,bool,builtin,enum,integer-divide-by-zero,null,return,returns-nonnull-attribute,shift,signed-integer-overflow,unreachable,vla-bound,vptr" ;;
    *) echo "service.sh: no sanitizer is called '$SANITIZER'; there are address and undefined" >&2; exit 2 ;;
  esac
  flags="${flags/,unsigned-integer-overflow/}" # arithmetic of Wasm wraps, by definition
  export CFLAGS="-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION $flags -fsanitize=fuzzer-no-link"
  export CXXFLAGS="$CFLAGS"
  export LIB_FUZZING_ENGINE="-fsanitize=fuzzer"
  rm -rf "$SRC" "$OUT" "$WORK"
  mkdir -p "$SRC/doorbell" "$OUT" "$WORK"
  # COPY . $SRC/doorbell, less what git does not know
  (cd "$root" && git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf -) | tar -C "$SRC/doorbell" -xf -
  ln -s "$root/node_modules" "$SRC/doorbell/node_modules"
  # On Debian the header of wasm2c's run time is with the others.
  WASM2C_INCLUDE=/usr/include bash -eu "$SRC/doorbell/.clusterfuzzlite/build.sh"
  # what check_build asks of each target: it is there, has its engine, and lives through its own seeds
  for target in decode paging; do
    [ -x "$OUT/$target" ] || { echo "service.sh: $OUT/$target is missing" >&2; exit 1; }
    run "$target" 0
  done
}

# As run_fuzzer: the seed corpus is unpacked, options are read from NAME.options, crashes go to $OUT.
run() {
  local target="$1" seconds="$2" corpus="$base/corpus/$1" options=()
  mkdir -p "$corpus" "$base/findings"
  unzip -q -o "$OUT/${target}_seed_corpus.zip" -d "$corpus"
  while read -r name _ value; do [ -n "${value:-}" ] && options+=("-$name=$value"); done < <(grep '=' "$OUT/$target.options")
  if [ "$seconds" = 0 ]; then options+=(-runs=0); else options+=("-max_total_time=$seconds"); fi
  "$OUT/$target" "${options[@]}" -rss_limit_mb=2560 -timeout=25 -print_final_stats=1 "-artifact_prefix=$base/findings/" "$corpus"
}

case "${1:-}" in
  build) build "${2:-address}" ;;
  run) run "${2:?a target: decode or paging}" "${3:-60}" ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
