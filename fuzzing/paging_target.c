// libFuzzer target `paging`: the guest's walk, EPT, NPT and the TLB over tables that the input makes, through writes to the
// tables, flushes and accesses. Held to what must be true of any tables:
//   - nothing traps, and nothing outside RAM, the tables and the vCPU's own memory is written;
//   - the TLB is invisible: an access has the same outcome from it, without it, and when it has been flushed;
//   - rights are ordered: who may write may read the same byte; where a user may read, a supervisor with AC set may.

#include "paging.h"
#include "target.h"

enum {
  PAGE = 4096,
  RAM_PAGES = 16,
  // Behind the RAM: the nested tables, root first.
  NESTED_PAGES = 4,
  GUARD = PAGE,
  READ = 1,
  WRITE = 2,
  EXEC = 4,
  SUPERVISOR = 0,
  USER = 1,
  SUPERVISOR_AC = 2,
  RAISED_EXCEPTION = 1,
  RAISED_EXIT = 2,
  MISCONFIG = 49,
  NPF = 0x400,
  EPT = 1,
  NPT = 2,
  STEPS_MOST = 64,
  SETTLED = 12,
};

static Z_paging_instance_t instance;
static uint32_t cpu, ram, nested;
// Tables or mode have changed since the TLB was flushed.
static int stale;

#define CONSTANT(name) (*Z_pagingZ_##name(&instance))

static uint8_t *memory(uint32_t at) { return Z_pagingZ_memory(&instance)->data + at; }
static uint64_t load64(uint32_t at) {
  uint64_t value;
  memcpy(&value, memory(at), 8);
  return value;
}
static uint32_t load32(uint32_t at) { return (uint32_t)load64(at); }
static void store64(uint32_t at, uint64_t value) { memcpy(memory(at), &value, 8); }

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  wasm_rt_init();
  Z_paging_init_module();
  Z_paging_instantiate(&instance);
  Z_pagingZ_attach(&instance, 0);
  cpu = CONSTANT(VCPUS);
  ram = (CONSTANT(MEMORY_FREE) + 2 * GUARD + PAGE - 1) & ~(uint32_t)(PAGE - 1);
  nested = ram + RAM_PAGES * PAGE;
  Z_pagingZ_init(&instance);
  return 0;
}

// ---------------------------------------------------------------- tables
// An entry for the guest: mostly near something valid, sometimes anything.
static uint64_t guest_entry(Input *in) {
  const uint8_t how = take8(in);
  if (how >= 0xf0) return take64(in);
  uint64_t entry = (uint64_t)(take8(in) % RAM_PAGES) * PAGE | (how & 7 ? 7 : 0);
  const uint16_t flags = take16(in);
  entry ^= flags & 0x1ff;
  if (how & 0x10) entry |= (uint64_t)(flags >> 15) << 63;
  if (how & 0x20) entry |= (uint64_t)(flags & 0x7e00) << 31;
  return entry;
}

// The hypervisor's own tables may be of any rights and kind, but lead nowhere else.
static void set_nested(Input *in, uint32_t mode) {
  const uint8_t what = take8(in);
  const uint16_t flags = take16(in);
  if ((what & 0x1f) < NESTED_PAGES - 1 && what & 0x80) {
    const uint32_t level = what & 0x1f;
    store64(nested + level * PAGE, (nested + (level + 1) * PAGE) | (mode == EPT ? 7 : 0x27) ^ (flags & 0x107));
    return;
  }
  const uint32_t page = what % RAM_PAGES;
  uint64_t entry = (ram + (uint64_t)(flags >> 11) % RAM_PAGES * PAGE) | (flags & 0x77f & ~(mode == EPT ? 0u : 0x80u));
  if (flags & 0x400) entry = ram + page * PAGE + (mode == EPT ? 0x37 : 0x67);
  if (mode == NPT && (flags & 0x200)) entry |= (uint64_t)1 << 51; // the MMIO marker
  store64(nested + 3 * PAGE + page * 8, entry);
}

static void identity(uint32_t mode) {
  for (uint32_t level = 0; level < NESTED_PAGES - 1; level++)
    store64(nested + level * PAGE, (nested + (level + 1) * PAGE) | (mode == EPT ? 7u : 0x27u));
  for (uint32_t page = 0; page < RAM_PAGES; page++)
    store64(nested + 3 * PAGE + page * 8, (ram + page * PAGE) | (mode == EPT ? 0x37u : 0x67u));
}

// ---------------------------------------------------------------- one access
typedef struct {
  uint32_t host, raised, vector, error, has_error, reason, mmio;
  uint64_t cr2, qualification, gpa, gla, last_gpa;
} Outcome;

static Outcome access(uint64_t linear, uint32_t how, uint32_t mmu, uint32_t size) {
  Outcome seen;
  memset(&seen, 0, sizeof seen);
  Z_pagingZ_setRaised(&instance, 0);
  seen.host = Z_pagingZ_translate(&instance, linear, how, mmu, size);
  seen.raised = CONSTANT(raised);
  seen.mmio = CONSTANT(lastMmio);
  if (seen.raised == 0 && seen.mmio) {
    CHECK(seen.host == 0, "a device, and host address %x", seen.host);
  } else if (seen.raised == 0) {
    CHECK(seen.host >= ram && seen.host + size <= ram + RAM_PAGES * PAGE, "host address %x", seen.host);
    seen.last_gpa = CONSTANT(lastGpa);
  } else if (seen.raised == RAISED_EXCEPTION) {
    CHECK(seen.host == 0, "raised, and host address %x", seen.host);
    seen.vector = load32(cpu + CONSTANT(RAISED_VECTOR));
    seen.error = load32(cpu + CONSTANT(RAISED_ERROR));
    seen.has_error = load32(cpu + CONSTANT(RAISED_HAS_ERROR));
    CHECK(seen.vector == 14 || seen.vector == 13 || seen.vector == 12, "vector %u", seen.vector);
    if (seen.vector == 14) seen.cr2 = load64(cpu + CONSTANT(RAISED_CR2));
  } else {
    CHECK(seen.host == 0, "exits, and host address %x", seen.host);
    seen.reason = load32(cpu + CONSTANT(EXIT_REASON));
    seen.qualification = load64(cpu + CONSTANT(EXIT_QUALIFICATION));
    seen.gpa = load64(cpu + CONSTANT(EXIT_GPA));
    seen.gla = load64(cpu + CONSTANT(EXIT_GLA));
  }
  Z_pagingZ_setRaised(&instance, 0);
  return seen;
}

static void same(const char *what, const Outcome *a, const Outcome *b) {
  CHECK(memcmp(a, b, sizeof *a) == 0,
        "%s: host %x/%x raised %u/%u vector %u/%u error %x/%x reason %u/%u qualification %llx/%llx gpa %llx/%llx", what,
        a->host, b->host, a->raised, b->raised, a->vector, b->vector, a->error, b->error, a->reason, b->reason,
        (unsigned long long)a->qualification, (unsigned long long)b->qualification, (unsigned long long)a->gpa,
        (unsigned long long)b->gpa);
}

static uint64_t linear_of(Input *in) {
  const uint8_t which = take8(in);
  if (which >= 0xf0) return take64(in);
  // A few entries of each table, so that inputs meet them again.
  return (uint64_t)(which & 3) << 12 | (uint64_t)(which >> 2 & 3) << 21 | (uint64_t)(which >> 4 & 3) << 30 |
         (uint64_t)(which >> 6 & 1) << 39 | (take16(in) & 0xfff);
}

static void try_access(Input *in) {
  if (stale) Z_pagingZ_flushAll(&instance);
  stale = 0;
  static const uint32_t HOW[] = {READ, WRITE, READ, WRITE, EXEC, READ, WRITE, READ | WRITE};
  const uint8_t what = take8(in);
  const uint32_t how = HOW[what & 7];
  const uint32_t mmu = (what >> 3) % 3;
  const uint64_t linear = linear_of(in);
  uint32_t size = 1u << (what >> 6);
  if ((linear & 0xfff) + size > PAGE) size = 1;
  if (how == EXEC) return; // fetches have a TLB of their own, by fetchPage()

  // An access may exit after it has set some of the accessed flags. When the same entry is met under two addresses, one of
  // them read-only, that can let it pass the second time; so first until nothing changes any more.
  static uint8_t before[RAM_PAGES * PAGE];
  Outcome cached;
  int tries = 0;
  do {
    CHECK(++tries < SETTLED, "accessed and dirty flags do not come to rest");
    memcpy(before, memory(ram), sizeof before);
    cached = access(linear, how, mmu, size);
  } while (memcmp(before, memory(ram), sizeof before) != 0);
  const Outcome again = access(linear, how, mmu, size);
  same("the second time", &cached, &again);
  // The emulator walks without the TLB, and is told of a device instead of exiting. Flushing takes far longer, so it is rare.
  Z_pagingZ_setEmulating(&instance, 1);
  const Outcome walked = access(linear, how, mmu, size);
  Z_pagingZ_setEmulating(&instance, 0);
  if (walked.mmio) CHECK(cached.raised == RAISED_EXIT && (cached.reason == MISCONFIG || cached.reason == NPF), "a device");
  else same("without the TLB", &cached, &walked);
  if (what >= 0xf0) {
    Z_pagingZ_flushAll(&instance);
    const Outcome flushed = access(linear, how, mmu, size);
    same("after a flush", &cached, &flushed);
  }

  if (cached.raised == 0 && how & WRITE) {
    const Outcome read = access(linear, READ, mmu, size);
    CHECK(read.raised == 0 && read.host == cached.host, "may write and not read");
  }
  if (cached.raised == 0 && how == READ && mmu == USER) {
    const Outcome supervisor = access(linear, READ, SUPERVISOR_AC, size);
    CHECK(supervisor.raised == 0 && supervisor.host == cached.host, "a user may read and a supervisor not");
  }
}

// ---------------------------------------------------------------- one input
static void set_mode(Input *in, uint32_t mode) {
  const uint8_t paging = take8(in);
  const uint16_t flags = take16(in);
  uint64_t cr0 = 1 | (flags & 1 ? 0x10000 : 0) | (paging % 5 ? 0x80000000u : 0);
  uint64_t cr4 = (flags & 2 ? 0x10 : 0) | (flags & 4 ? 0x80 : 0) | (flags & 8 ? 1 << 20 : 0) | (flags & 16 ? 1 << 21 : 0);
  uint64_t efer = flags & 32 ? 0x800 : 0;
  if (paging % 5 >= 2) cr4 |= 0x20;
  if (paging % 5 >= 3) efer |= 0x500;
  if (paging % 5 == 4) cr4 |= 0x1000;
  store64(cpu + CONSTANT(CR0), cr0);
  store64(cpu + CONSTANT(CR4), cr4);
  store64(cpu + CONSTANT(EFER), efer);
  store64(cpu + CONSTANT(CR3), (uint64_t)(take8(in) % RAM_PAGES) * PAGE);
  store64(cpu + CONSTANT(FEATURES), flags & 64 ? ~(uint64_t)0 : 0);
  store64(cpu + CONSTANT(PHYSICAL_BITS), 40);
  store64(cpu + CONSTANT(NESTED), mode);
  store64(cpu + CONSTANT(NESTED_ROOT), nested | (mode == EPT && flags & 128 ? 0x40 : 0));
  const uint32_t cs = cpu + CONSTANT(SEGMENTS) + CONSTANT(SEGMENT_SIZ5AE) + CONSTANT(SEGMENT_ATTRIBUTES);
  store64(cs, paging % 5 >= 3 ? 0xa09b : 0xc09b);
  if (paging % 5 == 2) Z_pagingZ_loadPdptes(&instance);
  Z_pagingZ_setRaised(&instance, 0);
  Z_pagingZ_modeChanged(&instance);
  stale = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
  if (length < 8) return -1;
  Input in = {data, length};
  memset(memory(ram - GUARD), 0xa5, GUARD);
  memset(memory(ram), 0, (RAM_PAGES + NESTED_PAGES) * PAGE);
  memset(memory(nested + NESTED_PAGES * PAGE), 0xa5, GUARD);
  const uint32_t mode = take8(&in) & 1 ? EPT : NPT;
  identity(mode);
  // The first pages of guest memory are tables that lead to each other.
  for (uint32_t table = 0; table < 6; table++)
    for (uint32_t n = 0; n < 4; n++) store64(ram + table * PAGE + n * 8, ((table + 1 + n % 2) * PAGE) | 0x67);
  set_mode(&in, mode);
  for (int step = 0; step < STEPS_MOST && in.left > 0; step++) {
    switch (take8(&in) & 7) {
      case 0: {
        const uint16_t where = take16(&in);
        store64(ram + (where >> 11) % RAM_PAGES * PAGE + (where & 7) * 8, guest_entry(&in));
        stale = 1;
        break;
      }
      case 1:
        set_nested(&in, mode);
        stale = 1;
        break;
      case 2:
        set_mode(&in, mode);
        break;
      default:
        try_access(&in);
    }
  }
  for (uint32_t at = 0; at < GUARD; at += 8) {
    CHECK(load64(ram - GUARD + at) == 0xa5a5a5a5a5a5a5a5u, "memory below RAM was written");
    CHECK(load64(nested + NESTED_PAGES * PAGE + at) == 0xa5a5a5a5a5a5a5a5u, "memory above the tables was written");
  }
  return 0;
}
