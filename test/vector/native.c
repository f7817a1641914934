// Executes one instruction on this machine's own processor with given registers and MXCSR, many times.
//
// Standard input: batches of { u32 count, u32 length, 16 bytes of instruction } and count cases of 112 bytes: ymm0, ymm1, ymm2
// (mm0, mm2, rax, rdx are the lowest 64 bits of ymm0 and ymm2), MXCSR. Standard output: for each case 64 bytes: ymm0, MXCSR, flags,
// rax, mm0, whether it faulted. Build: gcc -O1 -o native native.c

#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { CASE = 112, RESULT = 64, HOLE = 16 };

extern const uint8_t template_start[], template_hole[], template_end[];
__asm__(".text\n"
        "template_start:\n"
        "  vmovups (%rdi), %ymm0\n"
        "  vmovups 32(%rdi), %ymm1\n"
        "  vmovups 64(%rdi), %ymm2\n"
        "  movq (%rdi), %mm0\n"
        "  movq 64(%rdi), %mm2\n"
        "  movq (%rdi), %rax\n"
        "  movq 64(%rdi), %rdx\n"
        "  pushq $0x8d7\n" // all arithmetic flags
        "  popfq\n"
        "  ldmxcsr 96(%rdi)\n"
        "template_hole:\n"
        "  .skip 16, 0x90\n"
        "  stmxcsr 32(%rsi)\n"
        "  pushfq\n"
        "  popq %rcx\n"
        "  andl $0x8d5, %ecx\n"
        "  movl %ecx, 36(%rsi)\n"
        "  vmovups %ymm0, (%rsi)\n"
        "  movq %rax, 40(%rsi)\n"
        "  movq %mm0, 48(%rsi)\n"
        "  emms\n"
        "  vzeroupper\n"
        "  pushq $2\n"
        "  popfq\n"
        "  ret\n"
        "template_end:\n");

static uint8_t *code;
static size_t hole;
static volatile uint32_t faulted;

static void onFault(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)info;
  ucontext_t *uc = context;
  faulted = 1;
  uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(code + hole + HOLE);
}

int main(void) {
  const size_t size = (size_t)(template_end - template_start);
  hole = (size_t)(template_hole - template_start);
  code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED) return perror("mmap"), 1;
  struct sigaction action = {.sa_sigaction = onFault, .sa_flags = SA_SIGINFO};
  sigaction(SIGFPE, &action, NULL);
  sigaction(SIGILL, &action, NULL);
  uint32_t header[2];
  uint8_t bytes[HOLE];
  const uint32_t usual = 0x1f80;
  while (fread(header, sizeof header, 1, stdin) == 1 && fread(bytes, HOLE, 1, stdin) == 1) {
    memcpy(code, template_start, size);
    memcpy(code + hole, bytes, header[1]);
    uint8_t *cases = malloc((size_t)header[0] * CASE);
    uint8_t *results = calloc(header[0], RESULT);
    if (fread(cases, CASE, header[0], stdin) != header[0]) return fputs("native: input cut off\n", stderr), 1;
    for (uint32_t i = 0; i < header[0]; i++) {
      faulted = 0;
      ((void (*)(const uint8_t *, uint8_t *))code)(cases + (size_t)i * CASE, results + (size_t)i * RESULT);
      __asm__ volatile("ldmxcsr %0" : : "m"(usual));
      memcpy(results + (size_t)i * RESULT + 56, (const void *)&faulted, 4);
    }
    fwrite(results, RESULT, header[0], stdout);
    fflush(stdout);
    free(cases);
    free(results);
  }
  return 0;
}
