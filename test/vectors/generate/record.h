/* The file format; README.md, "The file format", describes it and test/vectors/load.ts reads it. */
#ifndef RECORD_H
#define RECORD_H
#include "case.h"

void record_form(const char *name, uint32_t cases);
void record_case(const Case *c, const uint8_t *bytes, int length, const Machine *after, const uint8_t *initial);

#endif
