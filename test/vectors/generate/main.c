/* Writes every group's file into the directory given. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "case.h"
#include "forms.h"
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
static void legacy_invalid(void) { in_both_modes(group_invalid); }
static void legacy_fault(void) { in_both_modes(group_legacy_fault); }

/* The forms of the table, group by group; those that use no floating-point state are recorded without. */
static const char *const table_groups[] = {
    "bmi",        "x87",         "x87-transcendental", "fpu-state",   "mmx",      "sse-float",   "sse-convert", "sse-integer",
    "sse-move",   "string-compare", "crypto",          "avx-float",   "avx-convert", "avx-integer", "avx-move", "avx-gather",
    "fma",
};
static const char *const legacy_groups[][2] = {
    {"legacy-bmi", "bmi"}, {"legacy-x87", "x87"}, {"legacy-x87", "x87-transcendental"}, {"legacy-x87", "fpu-state"},
    {"legacy-mmx", "mmx"}, {"legacy-sse", "sse-float"}, {"legacy-sse", "sse-convert"}, {"legacy-sse", "sse-integer"},
    {"legacy-sse", "sse-move"}, {"legacy-sse", "string-compare"}, {"legacy-sse", "crypto"},
    {"legacy-avx", "avx-float"}, {"legacy-avx", "avx-convert"}, {"legacy-avx", "avx-integer"}, {"legacy-avx", "avx-move"},
    {"legacy-avx", "avx-gather"}, {"legacy-avx", "fma"},
};
#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static const char *running;
static void table_in_mode(void) {
  for (size_t i = 0; i < COUNT(legacy_groups); i++)
    if (!strcmp(legacy_groups[i][0], running)) forms_run(legacy_groups[i][1]);
}

static void report(const char *name, long forms, long cases) { printf("%-18s %5ld forms %6ld cases\n", name, forms, cases); }

static void run_tables(const char *directory) {
  for (size_t i = 0; i < COUNT(table_groups); i++) {
    long forms = total_forms, cases = total_cases;
    group_begin(directory, table_groups[i], false, strcmp(table_groups[i], "bmi") != 0);
    forms_run(table_groups[i]);
    group_end();
    report(table_groups[i], total_forms - forms, total_cases - cases);
  }
  for (size_t i = 0; i < COUNT(legacy_groups); i++) {
    if (i && !strcmp(legacy_groups[i][0], legacy_groups[i - 1][0])) continue;
    running = legacy_groups[i][0];
    long forms = total_forms, cases = total_cases;
    group_begin(directory, running, true, strcmp(running, "legacy-bmi") != 0);
    in_both_modes(table_in_mode);
    group_end();
    report(running, total_forms - forms, total_cases - cases);
  }
}

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
      {"random", group_random},
      {"invalid", group_invalid},       {"legacy-invalid", legacy_invalid},
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
    bool segments = !strncmp(groups[i].name, "legacy", 6) || !strcmp(groups[i].name, "segment64");
    group_begin(argv[1], groups[i].name, segments, false);
    groups[i].run();
    group_end();
    report(groups[i].name, total_forms - forms, total_cases - cases);
  }
  run_tables(argv[1]);
  report("all", total_forms, total_cases);
  return 0;
}
