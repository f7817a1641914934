/* What the manual leaves undefined in the results of floating-point and vector forms. Rules: undefined.h. */
#include "undefined.h"

#include <string.h>

#include "forms.h"

static bool one_of(const Form *form, const char *const *names) {
  for (; *names; names++)
    if (form_is(form, *names)) return true;
  return false;
}

static uint16_t defined_status(const Form *form) {
  static const char *const all[] = {"fcom", "fcomp", "fcompp", "fucom", "fucomp", "fucompp", "ficom", "ficomp", "ftst",
                                    "fxam", "fprem", "fprem1", "fcomi", "fcomip", "fucomi", "fucomip", "fninit",
                                    "fnsave", "fldenv", "frstor", NULL};
  static const char *const none[] = {"ffree", "ffreep", "fnop", "fldcw", "fnstcw", "fnstenv", "fnstsw", "fnclex",
                                     "wait", "fneni", "fndisi", "fnsetpm", NULL};
  static const char *const reduced[] = {"fsin", "fcos", "fsincos", "fptan", NULL};
  if (form->name[0] != 'f' && !form_is(form, "wait")) return 0xFFFF;
  if (form_begins(form, "fx") && form->memory) return 0xFFFF; /* FXSAVE, FXRSTOR */
  if (one_of(form, all)) return 0xFFFF;
  if (one_of(form, none)) return (uint16_t)~(FSW_C0 | FSW_C1 | FSW_C2 | FSW_C3);
  if (one_of(form, reduced)) return (uint16_t)~(FSW_C0 | FSW_C3);
  return (uint16_t)~(FSW_C0 | FSW_C2 | FSW_C3);
}

static uint32_t undefined_flags(const Form *form) {
  static const char *const control[] = {"andn", "blsi", "blsr", "blsmsk", "bzhi", NULL};
  static const char *const count[] = {"tzcnt", "lzcnt", NULL};
  if (one_of(form, control)) return UNDEFINED_BMI;
  if (one_of(form, count)) return UNDEFINED_COUNT;
  return form_is(form, "bextr") ? UNDEFINED_BEXTR : 0;
}

/* Instructions that leave the pointers alone, or load or clear them (SDM vol. 1, 8.1.8: "non-control"). */
static bool sets_pointers(const Form *form) {
  static const char *const control[] = {"fninit", "fnclex", "fldcw", "fnstcw", "fnstsw", "fnstenv", "fldenv", "fnsave",
                                        "frstor", "wait", "fxsave", "fxsave64", "fxrstor", "fxrstor64", NULL};
  return form->recipe.x87 == CLASS_F80 && form->name[0] == 'f' && !one_of(form, control);
}

void leave_undefined(Case *c, const Form *form) {
  c->flags_mask = COMPARED_FLAGS & ~undefined_flags(form);
  if (form->recipe.x87 == CLASS_F80) c->fsw_mask = defined_status(form);
  c->x87_pointers = sets_pointers(form);
  c->x87_compares = form->recipe.x87 == CLASS_F80 && (form_begins(form, "fcom") || form_begins(form, "fucom") || form_begins(form, "ficom") || form_is(form, "ftst"));
  c->partial_remainder = form_is(form, "fprem") || form_is(form, "fprem1");
}
