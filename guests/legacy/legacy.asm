; Mode-dependent behaviour outside long mode: 32- and 16-bit protected mode, task switches, virtual-8086 and real mode. Prints
; what it saw, one line for each case (see report.inc), for comparison with other processors. Judges nothing. Words of the
; command line:
;   only=SECTION  one of segments, limits, transfers, inner, tasks, sixteen, flags, paging, v86, real
;   -NAME         leaves the case of that name out

%include "machine.inc"
%include "multiboot.inc"
        section .low align=16 vstart=0  ; 16-bit code: its labels are offsets in LOW_SEGMENT
        section .tail align=16
        section .text

%define SEL_CODE        0x08
%define SEL_DATA        0x10
%define SEL_CODE16      0x18            ; 16-bit code and data over LOW
%define SEL_DATA16      0x20
%define SEL_USER_CODE   0x28
%define SEL_USER_DATA   0x30
%define SEL_TSS         0x38
%define SEL_TSS2        0x40            ; a task to switch to
%define SEL_TSS3        0x48            ; a 16-bit one
%define SEL_TEST        0x50            ; two slots to play with
%define SEL_TEST2       0x58
%define SEL_CONFORMING  0x60
%define SEL_ABSENT_CODE 0x68
%define SEL_ABSENT_DATA 0x70
%define SEL_READ_ONLY   0x78
%define SEL_LDT         0x80
%define SEL_GATE        0x88            ; a task gate to SEL_TSS2
%define SEL_CODE1       0x90            ; DPL 1
%define SEL_DATA1       0x98
%define SEL_HANDLERS    0xA0            ; four: tasks that handle exceptions
%define SEL_BEYOND      0x1000          ; past the end of the GDT

%define LOW             0x20000         ; where the 16-bit code is copied to, and its segment in real and v86 mode
%define LOW_SEGMENT     (LOW >> 4)

%define CR4_VME         1
%define CR4_PVI         2

%define FLAG_TF         0x100
%define FLAG_IF         0x200
%define FLAG_IOPL3      0x3000
%define FLAG_NT         0x4000
%define FLAG_VM         0x20000
%define FLAG_AC         0x40000
%define FLAG_VIF        0x80000
%define FLAG_VIP        0x100000

%include "report.inc"
%include "recorder.inc"
%include "outcome.inc"
%include "low.inc"

start32:
        mov     esp, stack_top
        cld
        cmp     eax, 0x2BADB002
        jne     .no_command_line
        test    dword [ebx + MBI_FLAGS], MBI_HAS_CMDLINE
        jz      .no_command_line
        mov     esi, [ebx + MBI_CMDLINE]
        mov     edi, command_line       ; a copy: the loader's may be where the 16-bit code goes
        mov     ecx, COMMAND_LINE_SIZE - 1
.copy:
        lodsb
        stosb
        test    al, al
        loopnz  .copy
.no_command_line:
        lgdt    [gdt_pointer]
        jmp     SEL_CODE:main

; SECTION name: runs name_cases unless another section was asked for
%macro SECTION 1
        HAS_WORD 'only='
        jz      %%run
        HAS_WORD %str(only=%1)
        jz      %%past
%%run:  call    %1_cases
        call    tables_again
%%past:
%endmacro

main:
        mov     al, 0xFF                ; where there is a PIC and a timer: cases that set IF must not meet them
        out     0x21, al
        out     0xA1, al
        call    recorder_install
        call    low_install
        fninit
        SECTION segments
        SECTION limits
        SECTION transfers
        SECTION inner
        SECTION tasks
        SECTION sixteen
        SECTION flags
        SECTION paging
        SECTION v86
        SECTION real
        PRINT   10, 'end', 10
        xor     eax, eax
        out     DEBUG_EXIT, eax
.halt:
        cli
        hlt
        jmp     .halt

%include "segments.inc"
%include "limits.inc"
%include "transfers.inc"
%include "inner.inc"
%include "tasks.inc"
%include "sixteen.inc"
%include "flags.inc"
%include "paging.inc"
%include "v86.inc"
%include "real.inc"
        section .low
low_end:
        section .text

        section .data
        align   8
; The accessed bits are preset, so that loading a selector never writes here.
gdt:
        dq      0
        dq      0x00CF9B000000FFFF      ; SEL_CODE
        dq      0x00CF93000000FFFF      ; SEL_DATA
        dq      0x00009B020000FFFF      ; SEL_CODE16
        dq      0x000093020000FFFF      ; SEL_DATA16
        dq      0x00CFFB000000FFFF      ; SEL_USER_CODE
        dq      0x00CFF3000000FFFF      ; SEL_USER_DATA
        dq      0, 0, 0                 ; SEL_TSS, SEL_TSS2, SEL_TSS3
        dq      0, 0                    ; SEL_TEST
        dq      0x00CF9F000000FFFF      ; SEL_CONFORMING
        dq      0x00CF1B000000FFFF      ; SEL_ABSENT_CODE
        dq      0x00CF13000000FFFF      ; SEL_ABSENT_DATA
        dq      0x00CF91000000FFFF      ; SEL_READ_ONLY
        dq      0                       ; SEL_LDT
        dq      0x0000E50000400000      ; SEL_GATE
        dq      0x00CFBB000000FFFF      ; SEL_CODE1
        dq      0x00CFB3000000FFFF      ; SEL_DATA1
        dq      0, 0, 0, 0              ; SEL_HANDLERS
gdt_end:
        dw      0
gdt_pointer:
        dw      gdt_end - gdt - 1
        dd      gdt

        section .bss
        alignb  16
stack_bottom:   resb 8192
stack_top:
ring0_bottom:   resb 4096               ; SS0:ESP0
ring0_top:
ring1_bottom:   resb 4096
ring1_top:
user_stack_bottom:
                resb 4096
user_stack_top:
        alignb  4096
scratch:        resb 8192

; What IMAGE_END does, with the 16-bit code behind the data.
        section .tail
        dd      0                       ; an empty section would not be in the file
load_end:
        section .bss
bss_end:
