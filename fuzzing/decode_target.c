// libFuzzer target `decode`: whatever the bytes, the decoder does not trap, keeps to its own memory, and what it says is a
// function of the bytes of the instruction alone. Input: one byte for the code size, then up to 15 bytes of code.

#include "decode.h"
#include "target.h"

enum { MORE = -1, INVALID = 0, TOO_LONG = -2, LONGEST = 15, GUARD = 64, CODE_SIZES = 3, CHECK_TABLES_EVERY = 1 << 14 };

static Z_decode_instance_t instance;
static uint32_t code, record, record_size;
static uint64_t tables_sum;

// The decoder walks tables, so its own branches tell little: which operations were met, by what prefixes, counts as coverage.
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t met[1 << 14];

static uint8_t *memory(uint32_t at) { return Z_decodeZ_memory(&instance)->data + at; }
static uint8_t field(uint32_t offset) { return *memory(record + offset); }

// Everything below the vCPU's page, and between it and the arenas: header, decode tables.
static uint64_t sum_of_tables(void) {
  uint64_t sum = 0xcbf29ce484222325u;
  const uint32_t end = 0x10000 + *Z_decodeZ_TABLES_SIZ5AE(&instance);
  for (uint32_t at = 0x10000; at < end; at += 8) {
    uint64_t word;
    memcpy(&word, memory(at), 8);
    sum = (sum ^ word) * 0x100000001b3u;
  }
  return sum;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  wasm_rt_init();
  Z_decode_init_module();
  Z_decode_instantiate(&instance);
  Z_decodeZ_attach(&instance, 0);
  Z_decodeZ_initTables(&instance);
  record = *Z_decodeZ_cpu(&instance) + *Z_decodeZ_INSN(&instance);
  record_size =
      *Z_decodeZ_OPERANDS(&instance) + *Z_decodeZ_MAX_OPERANDS(&instance) * *Z_decodeZ_OPERAND_STRIDE(&instance);
  code = *Z_decodeZ_MEMORY_FREE(&instance) + 0x1000;
  tables_sum = sum_of_tables();
  return 0;
}

static void check_record(int length, uint32_t size) {
  const uint32_t operands = field(*Z_decodeZ_OPERAND_COUNT(&instance));
  CHECK(field(*Z_decodeZ_LENGTH(&instance)) == length, "length %d", length);
  CHECK(operands <= *Z_decodeZ_MAX_OPERANDS(&instance), "%u operands", operands);
  CHECK(field(*Z_decodeZ_OPERAND_SIZ5AE(&instance)) <= 3, "operand size");
  const uint8_t address_size = field(*Z_decodeZ_ADDRESS_SIZ5AE(&instance));
  CHECK(address_size >= 1 && address_size <= (size == 2 ? 3 : 2), "address size %u in code of size %u", address_size, size);
  CHECK(size != 2 || address_size != 1, "16-bit addresses in 64-bit code");
  // A VEX prefix tells its W, R, X and B in the same field; outside 64-bit code only W is looked at.
  const uint8_t rex = field(*Z_decodeZ_REX(&instance));
  const int vex = field(*Z_decodeZ_VEX(&instance)) != 0;
  CHECK(size == 2 || (vex ? (rex & 7) == 0 : rex == 0), "REX %x outside 64-bit code, VEX %d", rex, vex);
  for (uint32_t n = 0; n < operands; n++) {
    const uint32_t at = *Z_decodeZ_OPERANDS(&instance) + n * *Z_decodeZ_OPERAND_STRIDE(&instance);
    const uint8_t kind = field(at + *Z_decodeZ_OPERAND_KIND(&instance));
    const uint8_t number = field(at + *Z_decodeZ_OPERAND_REGISTER(&instance));
    CHECK(kind != *Z_decodeZ_KIND_NONE(&instance), "operand %u of %u is none", n, operands);
    if (kind == *Z_decodeZ_KIND_REGISTER(&instance)) CHECK(number < (size == 2 ? 16 : 8), "register %u", number);
    if (kind == *Z_decodeZ_KIND_XMM(&instance)) CHECK(number < (size == 2 ? 16 : 8), "vector register %u", number);
    if (kind == *Z_decodeZ_KIND_MMX(&instance) || kind == *Z_decodeZ_KIND_X87(&instance))
      CHECK(number < 8, "MMX or x87 register %u", number);
    if (kind == *Z_decodeZ_KIND_SEGMENT(&instance)) CHECK(number < 6, "segment register %u", number);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
  static unsigned inputs;
  if (length < 2 || length > 1 + LONGEST) return -1;
  const uint32_t size = data[0] % CODE_SIZES;
  const int available = (int)length - 1;
  memset(memory(code - GUARD), 0xa5, 2 * GUARD + LONGEST);
  memcpy(memory(code), data + 1, available);

  // With more and more of the bytes: MORE, until something is known, and that stays.
  int known = MORE;
  for (int given = 1; given <= available; given++) {
    const int said = (int)Z_decodeZ_decode(&instance, code, given, size);
    CHECK(said >= TOO_LONG && said <= given, "%d of %d bytes", said, given);
    CHECK(said != TOO_LONG || given == LONGEST, "too long with %d bytes", given);
    CHECK(said != MORE || given < LONGEST, "15 bytes are not enough");
    if (known != MORE) CHECK(said == known, "%d with %d bytes, but %d with fewer", said, given, known);
    else if (said > 0) CHECK(said == given, "%d bytes are said to be enough when %d are given, not before", said, given);
    known = said;
  }

  if (known > 0) {
    const uint32_t operation = field(*Z_decodeZ_OPERATION(&instance)) | field(*Z_decodeZ_OPERATION(&instance) + 1) << 8;
    met[(operation << 3 | size << 1 | (field(*Z_decodeZ_VEX(&instance)) != 0)) % sizeof met] = 1;
    uint8_t first[256];
    check_record(known, size);
    memcpy(first, memory(record), record_size);
    // What comes behind is none of its business.
    for (int at = known; at < LONGEST; at++) *memory(code + at) = (uint8_t)~*memory(code + at);
    const int again = (int)Z_decodeZ_decode(&instance, code, LONGEST, size);
    CHECK(again == known, "%d bytes, but %d with others behind them", known, again);
    CHECK(memcmp(first, memory(record), record_size) == 0, "the record depends on bytes behind the instruction");
    for (int at = known; at < available; at++) *memory(code + at) = (uint8_t)~*memory(code + at);
  }

  CHECK(memcmp(memory(code), data + 1, available) == 0, "the code was written");
  for (int at = 1; at <= GUARD; at++) CHECK(*memory(code - at) == 0xa5, "memory before the code was written");
  if (++inputs % CHECK_TABLES_EVERY == 0) CHECK(sum_of_tables() == tables_sum, "the decode tables were written");
  return 0;
}
