/* Runs one instruction natively, see machine.h. A trap enters the test and a trap or fault leaves it: both go
 * through one signal handler on its own stack, which exchanges the register file in the saved context. */
#define _GNU_SOURCE
#include "machine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "segments.h"

uint8_t *code_alias;
uint8_t *const data_pages = (uint8_t *)DATA_BASE;

static const int greg_of[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
static const Machine *entering;
static Machine *leaving;
static gregset_t harness;
static uint64_t harness_fs;
static uint8_t harness_fpu[XSAVE_SIZE];

static void die(const char *what) {
  perror(what);
  exit(1);
}

/* The kernel takes CS and SS from the saved context but leaves the others to the handler. */
static void load_segments(const uint16_t *sel) {
  __asm__ volatile("mov %w0, %%es; mov %w1, %%ds; mov %w2, %%fs; mov %w3, %%gs" ::"r"(sel[SEG_ES]), "r"(sel[SEG_DS]),
                   "r"(sel[SEG_FS]), "r"(sel[SEG_GS])
                   : "memory");
}

static void save_segments(uint16_t *sel, const greg_t *g) {
  uint64_t packed = (uint64_t)g[REG_CSGSFS];
  sel[SEG_CS] = (uint16_t)packed;
  sel[SEG_SS] = (uint16_t)(packed >> 48);
  __asm__ volatile("mov %%es, %w0; mov %%ds, %w1; mov %%fs, %w2; mov %%gs, %w3"
                   : "=&r"(sel[SEG_ES]), "=&r"(sel[SEG_DS]), "=&r"(sel[SEG_FS]), "=&r"(sel[SEG_GS])::"memory");
}

/* The C library's thread pointer is FS's base: nothing of the library may run before this. */
static void restore_segments(void) {
  static const uint16_t none[6];
  load_segments(none);
  __asm__ volatile("wrfsbase %0" ::"r"(harness_fs) : "memory");
}

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)info;
  greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
  /* With the kernel's XSAVE header behind the 512 bytes that the C library knows. */
  uint8_t *image = (uint8_t *)((ucontext_t *)context)->uc_mcontext.fpregs;
  if (entering) {
    memcpy(harness, g, sizeof harness);
    memcpy(harness_fpu, image, sizeof harness_fpu);
    if (entering->floating) fpu_to_image(&entering->fpu, image);
    for (int i = 0; i < 16; i++) g[greg_of[i]] = (greg_t)entering->reg[i];
    g[REG_EFL] = (greg_t)entering->rflags;
    g[REG_RIP] = (greg_t)entering->rip;
    if (entering->legacy) {
      g[REG_CSGSFS] = (greg_t)((uint64_t)entering->sel[SEG_SS] << 48 | entering->sel[SEG_CS]);
      load_segments(entering->sel);
    }
    entering = NULL;
    return;
  }
  if (!leaving) {
    static const char text[] = "the generator itself crashed\n";
    (void)!write(2, text, sizeof text - 1);
    _exit(128 + signal);
  }
  if (leaving->legacy) {
    save_segments(leaving->sel, g);
    restore_segments();
  }
  for (int i = 0; i < 16; i++) leaving->reg[i] = (uint64_t)g[greg_of[i]];
  leaving->rflags = (uint64_t)g[REG_EFL];
  leaving->vector = (int)g[REG_TRAPNO];
  leaving->rip = (uint64_t)g[REG_RIP] - (leaving->vector == VECTOR_BP ? 1 : 0);
  leaving->error = (uint32_t)g[REG_ERR];
  leaving->cr2 = (uint64_t)g[REG_CR2];
  fpu_from_image(&leaving->fpu, image);
  leaving = NULL;
  memcpy(g, harness, sizeof harness);
  memcpy(image, harness_fpu, sizeof harness_fpu);
}

static void map_fixed(uint64_t base, uint64_t size, int protection, int fd) {
  int flags = MAP_SHARED | MAP_FIXED_NOREPLACE;
  if (mmap((void *)base, size, protection, flags, fd, 0) != (void *)base) die("mapping a test page");
}

void machine_open(void) {
  int code = memfd_create("code", 0), data = memfd_create("data", 0);
  if (code < 0 || data < 0 || ftruncate(code, CODE_SIZE) || ftruncate(data, DATA_SIZE)) die("making the test pages");
  map_fixed(CODE_BASE, CODE_SIZE, PROT_READ | PROT_EXEC, code);
  map_fixed(DATA_BASE, DATA_SIZE, PROT_READ | PROT_WRITE, data);
  map_fixed(CODE_BASE + 0x10000, CODE_SIZE, PROT_READ | PROT_EXEC, code);
  map_fixed(DATA_BASE + 0x10000, DATA_SIZE, PROT_READ | PROT_WRITE, data);
  code_alias = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, code, 0);
  if (code_alias == MAP_FAILED) die("mapping the writable view of the code");
  memset(code_alias, 0xCC, CODE_SIZE);

  __asm__("rdfsbase %0" : "=r"(harness_fs));

  stack_t stack = {.ss_sp = malloc(1 << 17), .ss_size = 1 << 17};
  if (!stack.ss_sp || sigaltstack(&stack, NULL)) die("making the signal stack");
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  int signals[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
  for (int i = 0; i < 5; i++)
    if (sigaction(signals[i], &action, NULL)) die("catching signals");
}

void machine_run(const Machine *before, Machine *after) {
  entering = before;
  after->legacy = before->legacy;
  leaving = after;
  /* The kernel restores only some of RFLAGS on sigreturn; NT and ID, which POPF may have set, are cleared here.
   * (The build uses -mno-red-zone, so the push harms nothing.) */
  __asm__ volatile("int3\n\tpushq $0x202\n\tpopfq" ::: "memory", "cc");
}
