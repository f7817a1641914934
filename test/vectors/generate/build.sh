#!/bin/sh
# Builds the generator, runs it twice, compares the runs, and packs the result into ../data.
# Needs gcc and gzip on an x86-64 Linux machine. Usage: test/vectors/generate/build.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/first" "$work/second"
gcc -std=gnu11 -O1 -g -Wall -Wextra -Werror -mno-red-zone -fno-stack-protector -fno-strict-aliasing "$here"/*.c -o "$work/generate"
"$work/generate" "$work/first"
"$work/generate" "$work/second" >/dev/null
diff -r "$work/first" "$work/second"
mkdir -p "$here/../data"
rm -f "$here"/../data/*.bin.gz
for file in "$work"/first/*.bin; do
  gzip -9 -n -c "$file" >"$here/../data/$(basename "$file").gz"
done
du -cb "$here"/../data/*.bin.gz | tail -1
