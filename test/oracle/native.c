/* What this machine's own processor does in user mode, where the emulators disagree or the manuals leave it open.
 * Its results are quoted in disagreements.ts. Linux on x86-64; no kernel module, no privileges:
 *
 *   gcc -O1 -no-pie -mno-red-zone -o /tmp/native test/oracle/native.c && /tmp/native
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static uint64_t trap, error_code, cr2, rip, rsp;

static void caught(int number, siginfo_t *info, void *context) {
  const greg_t *saved = ((ucontext_t *)context)->uc_mcontext.gregs;
  (void)info;
  /* The handler may run with AC set; it must not use the stack so. */
  __asm__ volatile("pushfq\n andl $~0x40000, (%%rsp)\n popfq" ::: "memory");
  trap = saved[REG_TRAPNO];
  error_code = saved[REG_ERR];
  cr2 = saved[REG_CR2];
  rip = saved[REG_RIP];
  rsp = saved[REG_RSP];
  siglongjmp(back, number);
}

static void report(const char *name, int signal_number) {
  if (signal_number)
    printf("%s: #%lu(%lx) cr2 %lx rip %lx rsp %lx\n", name, trap, error_code, cr2, rip, rsp);
  else
    printf("%s: came through\n", name);
}

/* iretd_stub(stack): IRETD in 64-bit mode to the same level; returns how far RSP is from where the frame began. */
long iretd_stub(void *stack);
/* high_rip_stub(stack, code): IRETQ to 32-bit code with RIP = 4 GiB + code */
void high_rip_stub(void *stack, void *code);
void iret_from(void *stack);
__asm__(".text\n"
        "iretd_stub: mov %rsp, %r11\n mov %rdi, %rsp\n mov %esp, %ecx\n sub $20, %rsp\n movl $1f, (%rsp)\n movl $0x33, 4(%rsp)\n"
        " movl $2, 8(%rsp)\n mov %ecx, 12(%rsp)\n movl $0x2b, 16(%rsp)\n iretl\n"
        "1: mov %rsp, %rax\n sub %rdi, %rax\n mov %r11, %rsp\n ret\n"
        "high_rip_stub: movabs $0x100000000, %rcx\n add %rsi, %rcx\n pushq $0x2b\n push %rdi\n pushq $2\n pushq $0x23\n push %rcx\n"
        " iretq\n"
        "iret_from: mov %rdi, %rsp\n iretq\n");

#define TRY(name, code)                                                                                                \
  do {                                                                                                                 \
    int signal_number = sigsetjmp(back, 1);                                                                            \
    if (!signal_number) {                                                                                              \
      code;                                                                                                            \
    }                                                                                                                  \
    report(name, signal_number);                                                                                       \
  } while (0)

static char buffer[1024] __attribute__((aligned(64)));

/* With AC set, the operand at 16 addresses one after the other: `ok`, or the vector. */
#define ALIGNED(name, code)                                                                                            \
  do {                                                                                                                 \
    printf("%s:", name);                                                                                               \
    for (int offset = 0; offset < 16; offset++) {                                                                      \
      int signal_number = sigsetjmp(back, 1);                                                                          \
      if (!signal_number)                                                                                              \
        __asm__ volatile("fninit\n pushfq\n orl $0x40000, (%%rsp)\n popfq\n" code                                      \
                         "\n pushfq\n andl $~0x40000, (%%rsp)\n popfq" ::"D"(buffer + 256 + offset),                   \
                         "a"(0)                                                                                        \
                         : "xmm0", "memory");                                                                          \
      if (signal_number)                                                                                               \
        printf(" %lu", trap);                                                                                          \
      else                                                                                                             \
        printf(" ok");                                                                                                 \
    }                                                                                                                  \
    puts("");                                                                                                          \
    __asm__ volatile("fninit");                                                                                        \
  } while (0)

int main(void) {
  static char alternate[65536];
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  struct user_desc absent = {.limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .seg_not_present = 1, .useable = 1};
  char *low = mmap(0, 65536, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  char *hole = mmap(0, 12288, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char byte = 0;
  memset(low, 0xcc, 65536);
  sigaltstack(&stack, 0);
  sigaction(SIGSEGV, &action, 0);
  sigaction(SIGBUS, &action, 0);
  sigaction(SIGILL, &action, 0);
  sigaction(SIGTRAP, &action, 0);

  TRY("rep outsb, RCX = 0", __asm__ volatile("rep outsb" ::"c"(0L), "S"(&byte), "d"(0x80)));
  TRY("rep insb, RCX = 0", __asm__ volatile("rep insb" ::"c"(0L), "D"(&byte), "d"(0x80)));
  printf("iretd, 64-bit mode: RSP ends %ld from where it was before the frame\n", iretd_stub(low + 32768));
  TRY("iretq to compatibility mode, RIP over 4 GiB", high_rip_stub(low + 32768, low));
  printf("frame from %p, the next page at %p\n", (void *)(hole + 4080), (void *)(hole + 4096));
  TRY("iretq, frame absent", iret_from(hole + 4080));
  syscall(SYS_modify_ldt, 1, &absent, sizeof absent);
  TRY("iretq, SS absent", __asm__ volatile("mov %%rsp, %%rcx\n pushq $7\n push %%rcx\n pushq $2\n pushq $0x33\n"
                                           "lea 1f(%%rip), %%rcx\n push %%rcx\n iretq\n1:" ::
                                               : "rcx", "memory"));
  TRY("mov ss, absent", __asm__ volatile("mov $7, %%ecx\n mov %%ecx, %%ss" ::: "rcx", "memory"));
  ALIGNED("mov, 64 bits", "mov %%rax, (%%rdi)");
  ALIGNED("movups", "movups (%%rdi), %%xmm0");
  ALIGNED("movdqu", "movdqu (%%rdi), %%xmm0");
  ALIGNED("lddqu", "lddqu (%%rdi), %%xmm0");
  ALIGNED("maskmovdqu, mask 0", "pxor %%xmm0, %%xmm0\n maskmovdqu %%xmm0, %%xmm0");
  ALIGNED("fnsave", "fnsave (%%rdi)");
  ALIGNED("frstor", "frstor (%%rdi)");
  ALIGNED("fld, 80 bits", "fldt (%%rdi)");
  ALIGNED("fxsave", "fxsave (%%rdi)");
  return 0;
}
