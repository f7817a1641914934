; Every way to fault: raises exceptions on purpose and checks vector, error code, saved RIP and CS, CR2, DR6.
; Prints `name ok`, `name FAIL what got 0xV want 0xW` or `name skipped why`; the exit value is the number of failures.
; Command line: `triple` = end in a triple fault instead; `no-control` = without the reserved bits of control registers and
; MSRs, which QEMU's TCG lets through (and then crashes).
;
; Expected values are those of the SDM, vol. 3, chapter 6 (Interrupt and Exception Handling) and the instructions' own
; pages in vol. 2. Cases are grouped by file: faults-kernel.inc (CPL 0), faults-debug.inc, faults-compat.inc (32-bit
; segments), faults-paging.inc, faults-user.inc (CPL 3, gates, SYSCALL).

%define EFER_EXTRA (EFER_SCE | EFER_NXE)

; The guest's own descriptors, behind the common ones.
%define SEL_NOT_PRESENT 0x50            ; data, P = 0
%define SEL_LIMITED     0x58            ; data, limit 0xFFF
%define SEL_READ_ONLY   0x60
%define SEL_TSS_ABSENT  0x68            ; two slots, an available TSS with P = 0
%define SEL_EXEC_ONLY   0x78            ; 32-bit code, not readable
%define SEL_BEYOND      0x1000          ; past the end of the GDT
%macro GDT_EXTRA 0
        dq      0x00CF13000000FFFF      ; SEL_NOT_PRESENT
        dq      0x0040930000000FFF      ; SEL_LIMITED
        dq      0x00CF91000000FFFF      ; SEL_READ_ONLY
        dq      0x0000090000000067, 0   ; SEL_TSS_ABSENT
        dq      0x00CF99000000FFFF      ; SEL_EXEC_ONLY
%endmacro

%include "multiboot.inc"
%include "longmode.inc"
%include "serial.inc"
%include "words.inc"
%include "idt.inc"
%include "check.inc"
%include "pages.inc"

%define DE 0
%define DB 1
%define BP 3
%define OF 4
%define BR 5
%define UD 6
%define NM 7
%define DF 8
%define TS 10
%define NP 11
%define SS_ 12
%define GP 13
%define PF 14
%define AC 17
%define NO_FAULT        0x81            ; INT 0x81: a case that was meant to fault came through
%define NON_CANONICAL   0x800000000000
%define SELECTOR_IDT    2               ; in a selector error code

; FAULTS vector, error, instruction: the instruction faults at its own address
%macro FAULTS 3+
        TRY     %%after
%%at:   %3
        int     NO_FAULT
%%after:
        mov     qword [wanted_rip], %%at
        EXPECT  'vector', [exception.vector], %1
        EXPECT  'error', [exception.error], %2
        EXPECT  'rip', [exception.rip], [wanted_rip]
        EXPECT  'cs', [exception.cs], SEL_CODE64
%endmacro

; TRAPS vector, instruction: the exception comes after the instruction
%macro TRAPS 2+
        TRY     %%after
        %2
%%next: nop
        int     NO_FAULT
%%after:
        mov     qword [wanted_rip], %%next
        EXPECT  'vector', [exception.vector], %1
        EXPECT  'error', [exception.error], 0
        EXPECT  'rip', [exception.rip], [wanted_rip]
%endmacro

; USE_IST vector, 1 or 0: the vector's gate switches to the IST 1 stack, or no longer does
%macro USE_IST 2
        mov     byte [idt + 16 * (%1) + 4], %2
%endmacro

main:
        call    idt_install
        call    pages_install
        call    tss_install
        mov     byte [idt + 16 * NO_FAULT + 5], GATE_INTERRUPT3
        USE_IST DF, 1

        HAS_WORD 'triple'
        jz      .cases
        PRINT   'triple fault next', 10
        mov     dword [no_idt], 0
        lidt    [no_idt]
        ud2
.cases:
        call    kernel_cases
        call    debug_cases
        call    compat_cases
        call    paging_cases
        call    user_cases
        mov     eax, [failures]
        ret

; A 64-bit TSS: RSP0 and IST 1 on stacks of their own, no I/O bitmap.
tss_install:
        mov     qword [tss + 4], rsp0_top
        mov     qword [tss + 36], ist1_top
        mov     word [tss + 102], 104   ; I/O map base at the limit: no port is open to CPL 3
        mov     rax, tss
        mov     rcx, rax
        shl     rax, 16
        mov     edx, 0x67
        or      rax, rdx
        mov     rdx, 0x0000890000000000 ; available 64-bit TSS
        or      rax, rdx
        mov     [gdt + SEL_TSS], rax
        mov     ax, SEL_TSS
        ltr     ax
        ret

%include "faults-kernel.inc"
%include "faults-debug.inc"
%include "faults-compat.inc"
%include "faults-paging.inc"
%include "faults-user.inc"

        section .bss
        alignb  16
tss:            resb 112
wanted_rip:     resq 1
no_idt:         resq 2
        alignb  4096
scratch:        resb 8192
rsp0_bottom:    resb 4096
rsp0_top:
ist1_bottom:    resb 4096
ist1_top:

        IMAGE_END
