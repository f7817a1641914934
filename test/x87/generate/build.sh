#!/bin/sh
# Records test/x87/data/hardware.bin.gz on this machine's processor: x86-64 Linux with gcc and gzip.
# The committed file is an AMD EPYC's (family 25, model 17): 24 cases of each of 159 forms.
set -e
cd "$(dirname "$0")"
program=$(mktemp)
trap 'rm -f "$program"' EXIT
gcc -O2 -Wall -o "$program" record.c
"$program" 20 24 | gzip -9n > ../data/hardware.bin.gz
