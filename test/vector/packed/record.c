// Executes the forms of forms.ts on this machine's processor, with inputs that a small generator makes and that run.ts
// makes too, and prints a digest of the states afterwards for each group of cases. Built and started by record.mjs,
// which makes forms.inc (assembler) and the table of texts.
//   record                   one line a form: digests
//   record dump FORM CASE    input and output of one case, in hexadecimal
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct state {
  uint8_t ymm[4][32];
  uint8_t mm[4][8];
  uint64_t gpr[4]; // RAX RCX RDX RBX
  uint64_t flags, unused[3];
  uint8_t memory[32];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct state) == 256, "the layout that run.ts knows");

struct form {
  const uint8_t *code;
  uint32_t length;
  uint32_t immediate; // the last byte is one
};
extern const struct form forms[];
extern const uint32_t formCount;

asm(".intel_syntax noprefix\n"
    "run:\n"
    "push rbx; push rbp; push r12; push r13; push r14; push r15\n"
    "mov r12, rdi; mov r13, rsi; mov r14, rdx\n"
    "movq mm0, [r12+128]; movq mm1, [r12+136]; movq mm2, [r12+144]; movq mm3, [r12+152]\n"
    "vmovdqu ymm0, [r12]; vmovdqu ymm1, [r12+32]; vmovdqu ymm2, [r12+64]; vmovdqu ymm3, [r12+96]\n"
    "lea rsi, [r13+224]\n"
    "mov rdi, rsi\n"
    "mov rax, [r12+160]; mov rcx, [r12+168]; mov rdx, [r12+176]; mov rbx, [r12+184]\n"
    "push qword ptr [r12+192]; popfq\n"
    "call r14\n"
    "pushfq; pop qword ptr [r13+192]; cld\n"
    "mov [r13+160], rax; mov [r13+168], rcx; mov [r13+176], rdx; mov [r13+184], rbx\n"
    "vmovdqu [r13], ymm0; vmovdqu [r13+32], ymm1; vmovdqu [r13+64], ymm2; vmovdqu [r13+96], ymm3\n"
    "movq [r13+128], mm0; movq [r13+136], mm1; movq [r13+144], mm2; movq [r13+152], mm3\n"
    "emms; vzeroupper\n"
    "pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx\n"
    "ret\n"
    ".include \"forms.inc\"\n"
    ".att_syntax\n");
void run(const struct state *before, struct state *after, const void *code);

static uint32_t seed;
static uint32_t next(void) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed;
}

static const uint8_t edges[8] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x81, 0x40};
static const uint16_t wide[8] = {0, 1, 0x7fff, 0x8000, 0xffff, 0xff7f, 0x8001, 0x00ff};

static void fill(uint8_t *bytes, uint32_t chunks) {
  for (uint32_t i = 0; i < chunks; i++, bytes += 8) {
    const uint32_t kind = next() & 7;
    if (kind < 3) {
      const uint32_t words[2] = {next(), next()};
      memcpy(bytes, words, 8);
    } else if (kind == 3) {
      for (int k = 0; k < 8; k++) bytes[k] = edges[next() & 7];
    } else if (kind == 4) {
      for (int k = 0; k < 4; k++) memcpy(bytes + 2 * k, &wide[next() & 7], 2);
    } else if (kind == 5 && i) {
      memcpy(bytes, bytes - 8 * (1 + next() % i), 8);
    } else if (kind == 6) {
      for (int k = 0; k < 8; k++) bytes[k] = next() % 5;
    } else {
      const uint64_t small = next() % 72;
      memcpy(bytes, &small, 8);
    }
  }
}

static uint8_t *code;

static void once(uint32_t form, uint32_t number, struct state *before, struct state *after) {
  seed = (form + 1) * 2654435761u ^ (number + 1) * 40503u;
  memset(before, 0, sizeof *before);
  fill(before->ymm[0], 16 + 4 + 4);
  fill(before->memory, 4);
  before->flags = 0x202 | (next() & 0x8d5);
  const uint32_t r = next();
  const uint8_t immediate = r & 0x100 ? r % 40 : r >> 16;
  *after = *before;
  memcpy(code, forms[form].code, forms[form].length);
  code[forms[form].length] = 0xc3;
  if (forms[form].immediate) code[forms[form].length - 1] = immediate;
  run(before, after, code);
  after->flags &= 0x8d5;
}

static void dump(const char *name, const struct state *state) {
  printf("%s", name);
  for (uint32_t i = 0; i < sizeof *state; i++) printf("%s%02x", i % 32 ? "" : "\n", ((const uint8_t *)state)[i]);
  printf("\n");
}

int main(int argc, char **argv) {
  struct state before, after;
  code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (argc == 4) {
    once(atoi(argv[2]), atoi(argv[3]), &before, &after);
    dump("before", &before);
    dump("after", &after);
    return 0;
  }
  const uint32_t groups = argc == 3 ? atoi(argv[1]) : 8, cases = argc == 3 ? atoi(argv[2]) : 64;
  for (uint32_t form = 0; form < formCount; form++) {
    for (uint32_t group = 0; group < groups; group++) {
      uint32_t hash = 2166136261u;
      for (uint32_t i = 0; i < cases; i++) {
        once(form, group * cases + i, &before, &after);
        for (uint32_t k = 0; k < sizeof after; k++) hash = (hash ^ ((uint8_t *)&after)[k]) * 16777619u;
      }
      printf("%s%08x", group ? " " : "", hash);
    }
    printf("\n");
  }
}
