// Five bodies under Newton's gravitation: chains of subtract, multiply, divide and square root on data in memory.
#include "bench.h"
#include "real.h"

#define BODIES 5
#define STEPS 1000
const char bench_name[] = REAL_NAME("nbody");
#ifdef X87
const uint32_t bench_default_repeats = 30;
#else
const uint32_t bench_default_repeats = 120;
#endif

typedef struct {
  real x, y, z, vx, vy, vz, mass;
} Body;
static Body body[BODIES];

// Distances of 1 to 30, each orbit nearly a circle around the first body.
static void place(void) {
  static const int16_t start[BODIES][7] = {
      {0, 0, 0, 0, 0, 0, 10000}, {100, 10, -5, 5, 990, 20, 10}, {-400, 300, 20, -270, -360, 5, 3},
      {700, -900, 40, 230, 180, -7, 1}, {-2000, -1500, -60, 120, -160, 4, 1},
  };
  for (int i = 0; i < BODIES; i++) {
    Body *b = &body[i];
    b->x = start[i][0] / (real)100, b->y = start[i][1] / (real)100, b->z = start[i][2] / (real)100;
    b->vx = start[i][3] / (real)1000, b->vy = start[i][4] / (real)1000, b->vz = start[i][5] / (real)1000;
    b->mass = start[i][6] / (real)10000;
  }
}

static void step(real dt) {
  for (int i = 0; i < BODIES; i++)
    for (int j = i + 1; j < BODIES; j++) {
      Body *a = &body[i], *b = &body[j];
      real dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      real square = dx * dx + dy * dy + dz * dz;
      real pull = dt / (square * square_root(square));
      a->vx -= dx * b->mass * pull, a->vy -= dy * b->mass * pull, a->vz -= dz * b->mass * pull;
      b->vx += dx * a->mass * pull, b->vy += dy * a->mass * pull, b->vz += dz * a->mass * pull;
    }
  for (int i = 0; i < BODIES; i++) {
    Body *b = &body[i];
    b->x += dt * b->vx, b->y += dt * b->vy, b->z += dt * b->vz;
  }
}

uint64_t bench_run(uint32_t repeats) {
  uint64_t sum = 0;
  place();
  for (uint32_t repeat = 0; repeat < repeats; repeat++) {
    for (int i = 0; i < STEPS; i++) step((real)1 / 1024);
    for (int i = 0; i < BODIES; i++) sum = fold(fold(sum, fixed(body[i].x)), fixed(body[i].vy));
  }
  return sum;
}
