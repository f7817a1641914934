/* Runs single instructions on the processor this program runs on, for `doorbell fuzz` (src/fuzz/execute/native.ts). It
 * reads cases from standard input and writes what became of them to standard output, in batches.
 *
 * A trap enters a test and a trap or fault leaves it: both go through one signal handler on its own stack, which
 * exchanges the whole register file in the saved context, so every register belongs to the test. No C library: nothing
 * is in this process but its image, its stacks and the test pages, and when all is set up the kernel is told to carry out
 * no system call but those that stand in this image and that it needs (seccomp), so that no instruction under test can
 * do anything to the machine. */
#include <stdint.h>

/* Everything is found relative to RIP. */
#pragma GCC visibility push(hidden)

#include <asm/sigcontext.h>
#include <asm/siginfo.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <asm/unistd.h>

/* Pages of the test program; everything around them is unmapped. src/fuzz/execute/layout.ts repeats these. */
#define CODE_BASE 0x08000000ull /* two pages, read + execute, filled with INT3 */
#define CODE_SIZE 0x2000ull
#define DATA_BASE 0x10000000ull /* two pages, read + write, no execute */
#define DATA_SIZE 0x2000ull
#define FPU_SIZE 832 /* an XSAVE image in standard form: legacy region, header, upper halves of YMM */
#define BATCH 256
#define MAGIC 0x3172627564626f64ull

enum { MODE32 = 1, FPU = 2, WHOLE = 4 }; /* Case.flags */

typedef struct {
  uint32_t flags;
  uint16_t place; /* offset of RIP in the code pages */
  uint16_t patch_place; /* offset of the patch in the data pages */
  uint8_t length; /* of the code */
  uint8_t code[15];
  uint64_t rflags, fs_base, gs_base;
  uint64_t reg[16];
  uint8_t patch[64];
} Case; /* followed by FPU_SIZE bytes if FPU is set */

typedef struct {
  uint64_t reg[16];
  uint64_t rip, rflags, fs_base, gs_base, cr2;
  uint32_t vector, error;
  uint32_t memory; /* a hash of the data pages if they have changed, else 0 */
  uint32_t pad;
} Result; /* followed by FPU_SIZE bytes if FPU is set, and by the data pages if WHOLE is */

_Static_assert(sizeof(Case) == 240 && sizeof(Result) == 184, "src/fuzz/execute/native.ts knows these sizes");

static uint8_t requests[BATCH * (sizeof(Case) + FPU_SIZE)];
static uint8_t answers[BATCH * (sizeof(Result) + FPU_SIZE) + DATA_SIZE];
static uint64_t base_data[DATA_SIZE / 8];
static uint64_t data_before[DATA_SIZE / 8]; /* as the case begins: the base with its patch */
static uint8_t signal_stack[1 << 16] __attribute__((aligned(64)));
static uint8_t main_stack[1 << 16] __attribute__((aligned(64), used));
static uint8_t *code_alias;
static uint64_t *const data_pages = (uint64_t *)DATA_BASE;

static const Case *entering;
static const uint8_t *entering_fpu;
static Result *leaving;
static uint8_t *leaving_fpu;
static struct sigcontext_64 harness;
static uint8_t harness_fpu[512 + 64 + 256];

static inline long call6(long n, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#define CALL(n, a, b, c, d, e, f) \
  call6(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static __attribute__((noreturn)) void leave(int status) {
  for (;;) CALL(__NR_exit_group, status, 0, 0, 0, 0, 0);
}
static __attribute__((noreturn)) void die(const char *what) {
  long length = 0;
  while (what[length]) length++;
  CALL(__NR_write, 2, what, length, 0, 0, 0);
  leave(1);
}

/* The compiler makes calls to these. */
void *memcpy(void *to, const void *from, unsigned long count) {
  void *result = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
  return result;
}
void *memset(void *to, int value, unsigned long count) {
  void *result = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(value) : "memory");
  return result;
}

/* Standard input to `to`, all of it; false at the end of the input. */
static int read_all(void *to, long count) {
  for (long done = 0; done < count;) {
    long got = CALL(__NR_read, 0, (char *)to + done, count - done, 0, 0, 0);
    if (got == -4) continue; /* EINTR */
    if (got <= 0) return 0;
    done += got;
  }
  return 1;
}
static void write_all(const void *from, long count) {
  for (long done = 0; done < count;) {
    long put = CALL(__NR_write, 1, (const char *)from + done, count - done, 0, 0, 0);
    if (put == -4) continue;
    if (put <= 0) leave(0);
    done += put;
  }
}

static void load_segments(uint16_t selector) {
  __asm__ volatile("mov %w0, %%es; mov %w0, %%ds; mov %w0, %%fs; mov %w0, %%gs" ::"r"(selector) : "memory");
}

/* XSAVE areas in a signal frame (asm/sigcontext.h): bytes 464 to 511 are the kernel's. */
static void copy_fpu(uint8_t *to, const uint8_t *from) {
  memcpy(to, from, 464);
  memcpy(to + 512, from + 512, 64 + 256);
}

static void exchange(int number, siginfo_t *info, void *context) __attribute__((used));
static void exchange(int number, siginfo_t *info, void *context) {
  struct sigcontext_64 *g = (struct sigcontext_64 *)&((struct ucontext *)context)->uc_mcontext;
  uint8_t *fpu = (uint8_t *)g->fpstate;
  (void)info;
  if (entering) {
    const Case *c = entering;
    entering = 0;
    harness = *g;
    copy_fpu(harness_fpu, fpu);
    g->ax = c->reg[0]; g->cx = c->reg[1]; g->dx = c->reg[2]; g->bx = c->reg[3];
    g->sp = c->reg[4]; g->bp = c->reg[5]; g->si = c->reg[6]; g->di = c->reg[7];
    g->r8 = c->reg[8]; g->r9 = c->reg[9]; g->r10 = c->reg[10]; g->r11 = c->reg[11];
    g->r12 = c->reg[12]; g->r13 = c->reg[13]; g->r14 = c->reg[14]; g->r15 = c->reg[15];
    g->flags = c->rflags;
    g->ip = CODE_BASE + c->place;
    if (entering_fpu) copy_fpu(fpu, entering_fpu);
    if (c->flags & MODE32) {
      g->cs = 0x23; /* the kernel's 32-bit user code segment, in every process */
      g->ss = 0x2b;
      load_segments(0x2b);
    } else __asm__ volatile("wrfsbase %0; wrgsbase %1" ::"r"(c->fs_base), "r"(c->gs_base));
    return;
  }
  if (!leaving) die("the native runner itself crashed\n");
  Result *r = leaving;
  leaving = 0;
  if (g->cs == 0x23) load_segments(0);
  else __asm__ volatile("rdfsbase %0; rdgsbase %1" : "=r"(r->fs_base), "=r"(r->gs_base));
  r->reg[0] = g->ax; r->reg[1] = g->cx; r->reg[2] = g->dx; r->reg[3] = g->bx;
  r->reg[4] = g->sp; r->reg[5] = g->bp; r->reg[6] = g->si; r->reg[7] = g->di;
  r->reg[8] = g->r8; r->reg[9] = g->r9; r->reg[10] = g->r10; r->reg[11] = g->r11;
  r->reg[12] = g->r12; r->reg[13] = g->r13; r->reg[14] = g->r14; r->reg[15] = g->r15;
  r->rflags = g->flags;
  r->vector = number == SIGSYS ? 255 : (uint32_t)g->trapno; /* 255: a system call was attempted */
  r->rip = g->ip;
  r->error = (uint32_t)g->err;
  r->cr2 = g->cr2;
  if (leaving_fpu) copy_fpu(leaving_fpu, fpu);
  copy_fpu(fpu, harness_fpu);
  __u64 frame = g->fpstate;
  *g = harness;
  g->fpstate = frame;
}

/* The test may have set AC, under which the C code of the handler would fault. */
void handler(int number);
__asm__("handler:\n\tpushq $0x202\n\tpopfq\n\tcld\n\tjmp exchange\n");
void restorer(void);
__asm__("restorer:\n\tmov $15, %eax\n\tsyscall\n\tud2\n");

static void map_shared(uint64_t base, uint64_t size, int protection, long fd) {
  long got = CALL(__NR_mmap, base, size, protection, MAP_SHARED | (base ? MAP_FIXED_NOREPLACE : 0), fd, 0);
  if (base ? got != (long)base : got < 0 && got > -4096) die("the native runner cannot map its pages\n");
  if (!base) code_alias = (uint8_t *)got;
}

extern char image_start[], image_end[];

/* System calls only from this image, and only these. Arguments are not looked at: the image passes good ones. */
static void confine(void) {
  uint32_t low = (uint32_t)(uint64_t)image_start, high = (uint32_t)((uint64_t)image_start >> 32);
  uint32_t end = (uint32_t)(uint64_t)image_end;
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (field))
#define IP __builtin_offsetof(struct seccomp_data, instruction_pointer)
  struct sock_filter filter[] = {
      LOAD(__builtin_offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 11),
      LOAD(IP + 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 9),
      LOAD(IP),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, low, 0, 7),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, end, 6, 0),
      LOAD(__builtin_offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_read, 3, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_write, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_rt_sigreturn, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_exit_group, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  if (CALL(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0) ||
      CALL(__NR_prctl, PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0, 0))
    die("the native runner cannot confine itself (seccomp)\n");
}

static void open_machine(void) {
  long code = CALL(__NR_memfd_create, "code", 0, 0, 0, 0, 0), data = CALL(__NR_memfd_create, "data", 0, 0, 0, 0, 0);
  if (code < 0 || data < 0 || CALL(__NR_ftruncate, code, CODE_SIZE, 0, 0, 0, 0) ||
      CALL(__NR_ftruncate, data, DATA_SIZE, 0, 0, 0, 0))
    die("the native runner cannot make its pages\n");
  map_shared(CODE_BASE, CODE_SIZE, PROT_READ | PROT_EXEC, code);
  map_shared(DATA_BASE, DATA_SIZE, PROT_READ | PROT_WRITE, data);
  map_shared(0, CODE_SIZE, PROT_READ | PROT_WRITE, code);
  memset(code_alias, 0xcc, CODE_SIZE);
  stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
  if (CALL(__NR_sigaltstack, &stack, 0, 0, 0, 0, 0)) die("the native runner cannot set its signal stack\n");
  struct sigaction action = {.sa_handler = handler,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTORER,
                             .sa_restorer = restorer};
  int numbers[] = {SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS};
  for (int i = 0; i < 6; i++)
    if (CALL(__NR_rt_sigaction, numbers[i], &action, 0, 8, 0, 0)) die("the native runner cannot catch signals\n");
}

/* Four lanes, so that no multiplication waits for the one before it. layout.ts (hashData) has the same. */
static uint32_t hash_data(void) {
  const uint32_t *words = (const uint32_t *)data_pages;
  uint32_t a = 1, b = 2, c = 3, d = 4;
  for (uint64_t i = 0; i < DATA_SIZE / 4; i += 4) {
    a = (a ^ words[i]) * 0x01000193;
    b = (b ^ words[i + 1]) * 0x01000193;
    c = (c ^ words[i + 2]) * 0x01000193;
    d = (d ^ words[i + 3]) * 0x01000193;
  }
  uint32_t hash = (((a * 31) ^ b) * 31 ^ c) * 31 ^ d;
  return hash | 1;
}
static int data_changed(void) {
  uint64_t difference = 0;
  for (uint64_t i = 0; i < DATA_SIZE / 8; i++) difference |= data_pages[i] ^ data_before[i];
  return difference != 0;
}

static uint8_t *run(const Case *c, const uint8_t *fpu, uint8_t *out) {
  Result *r = (Result *)out;
  out += sizeof *r;
  memset(r, 0, sizeof *r);
  uint8_t *fpu_out = fpu ? out : 0;
  if (fpu) out += FPU_SIZE;
  for (int i = 0; i < c->length; i++) code_alias[(c->place + i) & (CODE_SIZE - 1)] = c->code[i];
  uint8_t *data = (uint8_t *)data_pages;
  uint8_t *before = (uint8_t *)data_before, *base = (uint8_t *)base_data;
  for (int i = 0; i < 64; i++) {
    int to = (c->patch_place + i) & (DATA_SIZE - 1);
    before[to] = data[to] = c->patch[i];
  }
  leaving = r;
  leaving_fpu = fpu_out;
  entering_fpu = fpu;
  entering = c;
  /* The kernel restores only some of RFLAGS on sigreturn; NT and ID, which POPF may have set, are cleared here. */
  __asm__ volatile("int3\n\tpushq $0x202\n\tpopfq" ::: "memory", "cc");
  int changed = data_changed();
  r->memory = changed ? hash_data() : 0;
  if (c->flags & WHOLE) {
    memcpy(out, data_pages, DATA_SIZE);
    out += DATA_SIZE;
  }
  if (changed) memcpy(data_pages, base_data, DATA_SIZE);
  for (int i = 0; i < 64; i++) {
    int to = (c->patch_place + i) & (DATA_SIZE - 1);
    before[to] = data[to] = base[to];
  }
  for (int i = 0; i < c->length; i++) code_alias[(c->place + i) & (CODE_SIZE - 1)] = 0xcc;
  return out;
}

static void serve(void) {
  uint64_t header[2];
  for (;;) {
    /* how many cases, and how many bytes they are */
    if (!read_all(header, sizeof header)) leave(0);
    if (header[0] > BATCH || header[1] > sizeof requests) die("a batch is too large for the native runner\n");
    if (!read_all(requests, (long)header[1])) leave(0);
    const uint8_t *in = requests;
    uint8_t *out = answers;
    for (uint64_t i = 0; i < header[0]; i++) {
      const Case *c = (const Case *)in;
      in += sizeof *c;
      const uint8_t *fpu = c->flags & FPU ? in : 0;
      if (fpu) in += FPU_SIZE;
      out = run(c, fpu, out);
    }
    write_all(answers, out - answers);
  }
}

/* AT_HWCAP2 in the auxiliary vector says whether FSGSBASE may be used. */
static int may_set_bases(const uint64_t *stack) {
  const uint64_t *at = stack + 1 + stack[0] + 1;
  while (*at) at++;
  for (at++; at[0]; at += 2)
    if (at[0] == 26) return (at[1] & 2) != 0;
  return 0;
}

void begin(const uint64_t *stack) __attribute__((noreturn, used));
void begin(const uint64_t *stack) {
  if (!may_set_bases(stack)) die("the native runner needs a kernel with FSGSBASE (Linux 5.9)\n");
  open_machine();
  if (!read_all(base_data, sizeof base_data)) leave(0);
  memcpy(data_pages, base_data, DATA_SIZE);
  memcpy(data_before, base_data, DATA_SIZE);
  confine();
  uint64_t hello = MAGIC;
  write_all(&hello, sizeof hello);
  serve();
  leave(0);
}
/* Off the stack that the kernel made: addresses in tests must find nothing, but for this image. */
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tlea main_stack+65536(%rip), %rsp\n\txor %ebp, %ebp\n\tcall begin\n\tud2\n");
