/* Floating-point and vector state, see fpu.h. */
#include "fpu.h"

#include <string.h>

#include "prng.h"

uint16_t fsw_summary(uint16_t fsw, uint16_t fcw) {
  bool pending = fsw & ~fcw & FSW_EXCEPTIONS;
  return (uint16_t)((fsw & ~(FSW_ES | FSW_B)) | (pending ? FSW_ES | FSW_B : 0));
}

/* Exception masks: mostly all set, sometimes one or some or all clear. */
static uint32_t draw_masks(uint32_t r) {
  uint32_t style = r & 15, pick = r >> 8 & 63;
  if (style < 11) return 63;
  if (style == 11) return 0;
  return style < 14 ? 63 & ~(1u << pick % 6) : pick;
}

static uint32_t draw_rounding(uint32_t r) { return r >> 4 & 1 ? 0 : r >> 14 & 3; }

static void derive_x87(Draw *d, int class, Fpu *fpu) {
  uint32_t q = prng_next(&d->state), s = prng_next(&d->state), precision = q >> 16 & 7;
  precision = precision < 5 ? 3 : precision == 5 ? 0 : 2;
  fpu->fcw = (uint16_t)(0x40 | draw_masks(q) | precision << 8 | draw_rounding(q) << 10);
  uint32_t flags = (q >> 20 & 3) == 0 ? q >> 22 & FSW_EXCEPTIONS : 0, top = s & 7;
  if (flags & FSW_IE) flags |= q >> 28 & 1 ? FSW_SF : 0;
  flags |= (s >> 3 & 7) << 8 | (s >> 6 & 1) << 14 | top << 11;
  fpu->fsw = fsw_summary((uint16_t)flags, fpu->fcw);
  uint32_t style = s >> 8 & 7, tags = style < 3 ? 0x1F : style == 3 ? 0xFF : style == 4 ? s >> 12 & 0xFF : style == 5 ? 0 : 7;
  fpu->tags = (uint8_t)(tags << top | tags >> (8 - top)); /* drawn for ST(0) … ST(7) */
  fpu->fop = (uint16_t)(s >> 20 & 0x7FF);
  fpu->fip = prng_next(&d->state);
  fpu->fdp = prng_next(&d->state);
  for (int i = 0; i < 8; i++) {
    if (class == CLASS_F80) {
      F80 value = draw_f80(d);
      uint32_t r = d->related ? prng_next(&d->state) : 1;
      if (i && !(r & 1)) { /* beside its neighbour */
        value = fpu->x87[i - 1];
        if ((r >> 8 & 3) == 1) value.exponent ^= 0x8000;
        if ((r >> 8 & 3) == 2 && (uint32_t)value.significand != ~0u) value.significand++;
        if ((r >> 8 & 3) == 3) value.exponent ^= 1;
      }
      fpu->x87[i] = value;
    } else {
      uint64_t value = draw64(d, class, i & 3);
      fpu->x87[i] = (F80){value, (uint16_t)prng_next(&d->state)};
    }
  }
}

void fpu_derive(Draw *d, uint32_t seed, const Recipe *recipe, Fpu *fpu) {
  memset(fpu, 0, sizeof *fpu);
  *d = (Draw){.state = seed ^ 0x46505558}; /* another stream than that of the general registers */
  uint32_t w = prng_next(&d->state), m = prng_next(&d->state);
  d->temper = (w & 7) < 3 ? CALM : (w & 7) < 6 ? MIXED : WILD;
  d->related = (w >> 3 & 3) == 0;
  d->wide = w >> 5 & 1;
  fpu->fcw = FCW_DEFAULT;
  fpu->mxcsr = MXCSR_DEFAULT;
  if (recipe->vector != CLASS_NONE) {
    fpu->mxcsr = draw_masks(m) << 7 | draw_rounding(m) << 13;
    if ((m >> 16 & 3) == 0) fpu->mxcsr |= 0x8000; /* FTZ */
    if ((m >> 18 & 3) == 0) fpu->mxcsr |= 0x40;   /* DAZ */
    if (m >> 20 & 1) fpu->mxcsr |= m >> 21 & 0x3F;
    for (int n = 0; n < 16; n++)
      for (int i = 0; i < 4; i++) {
        fpu->ymm[n][i] = draw64(d, recipe->vector, i);
        if (n == 0) d->base[i] = fpu->ymm[n][i];
        if (n == 0 && i == 3) d->base_class = recipe->vector;
      }
  }
  if (recipe->x87 != CLASS_NONE) derive_x87(d, recipe->x87, fpu);
}

void fpu_to_image(const Fpu *fpu, uint8_t *image) {
  uint64_t all = 7;
  memcpy(image, &fpu->fcw, 2);
  memcpy(image + 2, &fpu->fsw, 2);
  image[4] = fpu->tags;
  image[5] = 0;
  memcpy(image + 6, &fpu->fop, 2);
  memcpy(image + 8, &fpu->fip, 8);
  memcpy(image + 16, &fpu->fdp, 8);
  memcpy(image + 24, &fpu->mxcsr, 4);
  for (int i = 0; i < 8; i++) {
    const F80 *value = &fpu->x87[(FSW_TOP(fpu->fsw) + i) & 7];
    memset(image + 32 + 16 * i, 0, 16);
    memcpy(image + 32 + 16 * i, &value->significand, 8);
    memcpy(image + 40 + 16 * i, &value->exponent, 2);
  }
  for (int n = 0; n < 16; n++) {
    memcpy(image + 160 + 16 * n, fpu->ymm[n], 16);
    memcpy(image + 576 + 16 * n, fpu->ymm[n] + 2, 16);
  }
  uint64_t in_use;
  memcpy(&in_use, image + 512, 8);
  in_use |= all;
  memcpy(image + 512, &in_use, 8);
}

void fpu_from_image(Fpu *fpu, const uint8_t *image) {
  uint64_t in_use;
  memset(fpu, 0, sizeof *fpu);
  memcpy(&in_use, image + 512, 8);
  fpu->fcw = FCW_DEFAULT;
  /* A component whose bit is clear is in its initial configuration, whatever the image has (SDM vol. 1, 13.6). */
  if (in_use & 1) {
    memcpy(&fpu->fcw, image, 2);
    memcpy(&fpu->fsw, image + 2, 2);
    fpu->tags = image[4];
    memcpy(&fpu->fop, image + 6, 2);
    memcpy(&fpu->fip, image + 8, 8);
    memcpy(&fpu->fdp, image + 16, 8);
    for (int i = 0; i < 8; i++) {
      F80 *value = &fpu->x87[(FSW_TOP(fpu->fsw) + i) & 7];
      memcpy(&value->significand, image + 32 + 16 * i, 8);
      memcpy(&value->exponent, image + 40 + 16 * i, 2);
    }
  }
  memcpy(&fpu->mxcsr, image + 24, 4);
  for (int n = 0; n < 16; n++) {
    if (in_use & 2) memcpy(fpu->ymm[n], image + 160 + 16 * n, 16);
    if (in_use & 4) memcpy(fpu->ymm[n] + 2, image + 576 + 16 * n, 16);
  }
}
