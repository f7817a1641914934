/* One function per group, each in the file of its name. */
#ifndef GROUPS_H
#define GROUPS_H

void group_arithmetic(void);
void group_exchange(void);
void group_multiply(void);
void group_shift(void);
void group_bits(void);
void group_move(void);
void group_condition(void);
void group_stack(void);
void group_flow(void);
void group_string(void);
void group_misc(void);
void group_random(void);
void group_decode(void);
void group_forbidden(void);
void group_fault(void);
void group_invalid(void);        /* in the current mode */
void group_legacy(void); /* the shared groups again, in the current mode */
void group_legacy_only(void);
void group_legacy_stack(void);
void group_legacy_flow(void);
void group_legacy_string(void);
void group_legacy_segment(void);
void group_legacy_fault(void);
void group_legacy_decode(void);
void group_segment64(void);
void segment_registers(void); /* loads, stores, queries, in the current mode */
void forbidden_locks(void); /* LOCK where it is illegal: part of two groups */

#endif
