/* Writes every group's file into the directory given. */
#include <stdio.h>
#include <unistd.h>

#include "case.h"
#include "groups.h"
#include "legacy.h"

static void legacy32(void) {
  mode = 32;
  segmented = true;
  group_legacy();
  mode = 64;
  segmented = false;
}
static void legacy16(void) {
  mode = 16;
  segmented = true;
  group_legacy();
  mode = 64;
  segmented = false;
}
static void segment64(void) {
  segmented = true;
  group_segment64();
  segmented = false;
}
static void legacy_only(void) { in_both_modes(group_legacy_only); }
static void legacy_stack(void) { in_both_modes(group_legacy_stack); }
static void legacy_flow(void) { in_both_modes(group_legacy_flow); }
static void legacy_string(void) { in_both_modes(group_legacy_string); }
static void legacy_segment(void) { in_both_modes(group_legacy_segment); }
static void legacy_decode(void) { in_both_modes(group_legacy_decode); }
static void legacy_fault(void) { in_both_modes(group_legacy_fault); }

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } groups[] = {
      {"arithmetic", group_arithmetic}, {"exchange", group_exchange}, {"multiply", group_multiply},
      {"shift", group_shift},           {"bits", group_bits},         {"move", group_move},
      {"condition", group_condition},   {"stack", group_stack},       {"flow", group_flow},
      {"string", group_string},         {"misc", group_misc},         {"decode", group_decode},
      {"forbidden", group_forbidden},   {"fault", group_fault},
      {"legacy32", legacy32},           {"legacy16", legacy16},
      {"legacy-only", legacy_only},     {"legacy-stack", legacy_stack},
      {"legacy-flow", legacy_flow},     {"legacy-string", legacy_string},
      {"legacy-segment", legacy_segment}, {"legacy-fault", legacy_fault},
      {"legacy-decode", legacy_decode}, {"segment64", segment64},
  };
  if (argc != 2) {
    fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  alarm(240); /* an instruction that never ends would hang the run */
  machine_open();
  segments_open();
  image_make();
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
    long forms = total_forms, cases = total_cases;
    group_begin(argv[1], groups[i].name);
    groups[i].run();
    group_end();
    printf("%-14s %5ld forms %6ld cases\n", groups[i].name, total_forms - forms, total_cases - cases);
  }
  printf("%-14s %5ld forms %6ld cases\n", "all", total_forms, total_cases);
  return 0;
}
