; Privileged and mode-dependent behaviour of a processor in long mode: prints what it saw, one line for each case (see
; report.inc), for comparison with other processors. Judges nothing. Words of the command line:
;   only=SECTION  one of control, matrix, descriptors, events, syscalls, paging, debug,
;                 alignment, fpu
;   -NAME         leaves the case of that name out

%define EFER_EXTRA (EFER_SCE | EFER_NXE)

; The guest's own descriptors, behind the common ones.
%define SEL_TEST        0x50            ; two slots to play with
%define SEL_CONFORMING  0x60            ; 64-bit code, conforming
%define SEL_ABSENT_CODE 0x68
%define SEL_ABSENT_DATA 0x70
%define SEL_READ_ONLY   0x78
%define SEL_BEYOND      0x1000          ; past the end of the GDT
%macro GDT_EXTRA 0
        dq      0, 0
        dq      0x00AF9F000000FFFF
        dq      0x00AF1B000000FFFF
        dq      0x00CF13000000FFFF
        dq      0x00CF91000000FFFF
%endmacro

%include "multiboot.inc"
%include "longmode.inc"
%include "serial.inc"
%include "words.inc"
%include "idt.inc"
%include "pages.inc"
%include "report.inc"

%define PIC1_MASK 0x21
%define PIC2_MASK 0xA1
%define DE 0
%define DB 1
%define BP 3
%define UD 6
%define DF 8
%define SS_ 12
%define GP 13
%define PF 14

; SECTION name: runs name_cases unless another section was asked for
%macro SECTION 1
        HAS_WORD 'only='
        jz      %%run
        HAS_WORD %str(only=%1)
        jz      %%past
%%run:  call    %1_cases
%%past:
%endmacro

main:
        mov     al, 0xFF                ; where there is a PIC and a timer: cases that set IF must not meet them
        out     PIC1_MASK, al
        out     PIC2_MASK, al
        call    idt_install
        call    tss_install
        call    user_window
        mov     byte [idt + 16 * NO_FAULT + 5], GATE_INTERRUPT3
        mov     byte [idt + 16 * DF + 4], 1
        mov     eax, SEL_USER_DATA | 3
        mov     ds, eax
        mov     es, eax
        mov     qword [user_flags], 2
        mov     qword [user_stack], USER(user_stack_top)
        SECTION control
        SECTION matrix
        SECTION descriptors
        SECTION events
        SECTION syscalls
        SECTION paging
        SECTION debug
        SECTION alignment
        SECTION fpu
        PRINT   10, 'end', 10
        xor     eax, eax
        ret

; A 64-bit TSS: RSP0 and IST 1 on stacks of their own, no I/O bitmap.
tss_install:
        mov     qword [tss + 4], rsp0_top
        mov     qword [tss + 36], ist1_top
        mov     word [tss + 102], 104
        mov     rax, tss
        mov     rcx, rax
        shl     rax, 16
        mov     edx, 0x67
        or      rax, rdx
        mov     rdx, 0x0000890000000000
        or      rax, rdx
        mov     [gdt + SEL_TSS], rax
        mov     ax, SEL_TSS
        ltr     ax
        ret

; Whatever a case has done to GDTR, IDTR, LDTR and TR. Clobbers EAX.
tables_again:
        lgdt    [gdt_pointer]
        lidt    [idt_pointer]
        xor     eax, eax
        lldt    ax
        mov     byte [gdt + SEL_TSS + 5], 0x89
        mov     eax, SEL_TSS
        ltr     ax
        ret

; 2 MiB from IMAGE_BASE on, for CPL 3, at USER_WINDOW. Nothing else has the U bit.
user_window:
        mov     edi, user_pt
        mov     eax, IMAGE_BASE + (PTE_P | PTE_W | PTE_U)
        mov     ecx, 512
.page:
        mov     [rdi], rax
        add     rdi, 8
        add     eax, 4096
        dec     ecx
        jnz     .page
        mov     qword [page_directories + 8 * (USER_WINDOW >> 21)], user_pt + (PTE_P | PTE_W | PTE_U)
        mov     rax, cr3
        mov     cr3, rax
        ret

%include "control.inc"
%include "matrix.inc"
%include "descriptors.inc"
%include "events.inc"
%include "syscalls.inc"
%include "paging.inc"
%include "debug.inc"
%include "alignment.inc"
%include "fpu.inc"

        section .bss
        alignb  16
tss:            resb 112
        alignb  4096
user_pt:        resb 4096
scratch:        resb 8192
rsp0_bottom:    resb 4096
rsp0_top:
ist1_bottom:    resb 4096
ist1_top:

        IMAGE_END
