/* The lists of corner cases, for corners.c which puts them together. */
#ifndef CORNERS_H
#define CORNERS_H
#include "forms.h"

/* A number around one of the powers of two where integers end, in quarters. */
double near_limit(void);

/* corners-x87.c: how many cases a form has, and what they change. */
int argument_cases(const Form *form, bool memory); /* of transcendental instructions */
void prepare_arguments(Case *c, const Form *form, int number);
int range_cases(const Form *form, bool memory); /* arithmetic at the ends of the range */
void prepare_range(Case *c, const Form *form, int number);
int integer_cases(const Form *form, bool memory); /* to integers and decimals */
void prepare_integers(Case *c, const Form *form, int number);
int format_cases(const Form *form, bool memory); /* 80-bit and decimal memory operands */
void prepare_formats(Case *c, const Form *form, int number);

#endif
