// The type that a floating-point loop computes in: SSE2's double, or with -DX87 the 80-bit format, in which every step of
// the x87 is exact to the last bit whatever the compiler keeps in registers.
#ifndef REAL_H
#define REAL_H

#ifdef X87
typedef long double real;
#define REAL_NAME(name) name "-x87"
#define square_root(x) __builtin_sqrtl(x)
#else
typedef double real;
#define REAL_NAME(name) name "-sse2"
#define square_root(x) __builtin_sqrt(x)
#endif

// A number as an integer for the checksum: 52 binary places.
static inline uint64_t fixed(real x) { return (uint64_t)(int64_t)(x * 4503599627370496.0); }

#endif
