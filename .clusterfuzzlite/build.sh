#!/bin/bash -eu
# Builds the libFuzzer targets as the service runs them: $OUT/NAME, $OUT/NAME_seed_corpus.zip, $OUT/NAME.options.
# The service sets CC, CFLAGS, LIB_FUZZING_ENGINE, SRC, OUT and WORK. docs/fuzzing-services.md says more.

: "${WASM2C:=wasm2c}" "${WASM2C_RUNTIME:=/usr/share/wabt/wasm2c}" "${WASM2C_INCLUDE:=$WASM2C_RUNTIME}"
cd "$SRC/doorbell"
[ -d node_modules ] || npm ci --ignore-scripts --no-audit --no-fund

for target in decode paging; do
  work="$WORK/$target"
  mkdir -p "$work/seeds"
  node fuzzing/module.mjs "$target" "$work/$target.wasm"
  (cd "$work" && "$WASM2C" -n "$target" -o "$target.c" "$target.wasm")
  # Bounds are checked in the code and not by a signal handler, which the fuzzer's own would fight with.
  flags="-std=gnu11 -DWASM_RT_MEMCHECK_SIGNAL_HANDLER=0 -I $work -I $WASM2C_INCLUDE -I $WASM2C_RUNTIME -I fuzzing"
  # shellcheck disable=SC2086
  for source in "$work/$target.c" "$WASM2C_RUNTIME/wasm-rt-impl.c" "fuzzing/${target}_target.c"; do
    $CC $CFLAGS $flags -c "$source" -o "$work/$(basename "$source" .c).o"
  done
  # shellcheck disable=SC2086
  $CXX $CXXFLAGS $LIB_FUZZING_ENGINE "$work"/*.o -lm -o "$OUT/$target"
  node fuzzing/seeds.mjs "$target" "$work/seeds"
  rm -f "$OUT/${target}_seed_corpus.zip"
  (cd "$work/seeds" && zip -q "$OUT/${target}_seed_corpus.zip" ./*)
done
printf '[libfuzzer]\nmax_len = 16\n' > "$OUT/decode.options"
printf '[libfuzzer]\nmax_len = 512\n' > "$OUT/paging.options"
