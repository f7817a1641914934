; The kick micro-benchmark: what one exit of each kind costs, in TSC ticks.
;
; For each sub-test: iterations start at 32 and are doubled before each pass, until a pass took at least GOAL ticks.
; Prints `name value`, value = ticks / iterations of the last pass. A sub-test thus does 64 + 128 + ... + N = 2N - 64 kicks.
;
; Command line: names of sub-tests (none = the nine kicks), and
;   goal=E       GOAL = 2^E ticks (default 30)
;   raw          rows are `name value iterations ticks`
;   empty        first a row for the loop with no kick in it
;   pci          afterwards the tests of a pci-testdev, if there is one; `pci-mem` and `pci-io` select its two halves by name
;
; Every timed loop has the same shape, `kick; dec r12d; jnz`, written out per sub-test: no call, no pointer.

%include "multiboot.inc"
%include "longmode.inc"
%include "serial.inc"
%include "words.inc"
%include "idt.inc"
%include "kicks.inc"

%define DEFAULT_GOAL    30
%define MAX_ITERATIONS  0x40000000

; ---------------------------------------------------------------------------------------------------------------------
; Timed loops. In: R12D = iterations. Out: RAX = ticks. %1 = name, %2 = macro that loads registers, %3 = the kick.
; RDTSC is unserialised, as in the kernel's own test: the kicks serialise, and the doubling drowns the rest.

%macro TIMED_LOOP 3
        align   16, nop
loop_%1:
        rdtsc
        shl     rdx, 32
        or      rax, rdx
        mov     r13, rax
        %2
        align   16, nop
%%again:
        %3
        dec     r12d
        jnz     %%again
        mov     r14, rax                ; what the last kick left in RAX
        rdtsc
        shl     rdx, 32
        or      rax, rdx
        sub     rax, r13
        ret
%endmacro

%macro LOAD_BAR 0                       ; pci-testdev: R8 = address or port, R9D = data
        mov     edi, r8d
        mov     edx, r8d
        mov     eax, r9d
%endmacro
%macro KICK_BAR_MEM8 0
        mov     [rdi], al
%endmacro
%macro KICK_BAR_MEM32 0
        mov     [rdi], eax
%endmacro
%macro KICK_BAR_IO8 0
        out     dx, al
%endmacro
%macro KICK_BAR_IO32 0
        out     dx, eax
%endmacro

        TIMED_LOOP empty, LOAD_NOTHING, KICK_EMPTY
        TIMED_LOOP cpuid, LOAD_NOTHING, KICK_CPUID
        TIMED_LOOP vmcall, LOAD_HYPERCALL, KICK_VMCALL
        TIMED_LOOP vmmcall, LOAD_HYPERCALL, KICK_VMMCALL
        TIMED_LOOP pio_none, LOAD_PIO PIO_NONE, KICK_PIO
        TIMED_LOOP pio_wildcard, LOAD_PIO PIO_WILDCARD, KICK_PIO
        TIMED_LOOP pio_datamatch, LOAD_PIO PIO_DATAMATCH, KICK_PIO
        TIMED_LOOP mmio_none, LOAD_MMIO MMIO_NONE, KICK_MMIO
        TIMED_LOOP mmio_wildcard, LOAD_MMIO MMIO_WILDCARD, KICK_MMIO
        TIMED_LOOP mmio_datamatch, LOAD_MMIO MMIO_DATAMATCH, KICK_MMIO
        TIMED_LOOP pv, LOAD_MMIO PV, KICK_MMIO
        TIMED_LOOP bar_mem8, LOAD_BAR, KICK_BAR_MEM8
        TIMED_LOOP bar_mem16, LOAD_BAR, KICK_MMIO
        TIMED_LOOP bar_mem32, LOAD_BAR, KICK_BAR_MEM32
        TIMED_LOOP bar_io8, LOAD_BAR, KICK_BAR_IO8
        TIMED_LOOP bar_io16, LOAD_BAR, KICK_PIO
        TIMED_LOOP bar_io32, LOAD_BAR, KICK_BAR_IO32

; ---------------------------------------------------------------------------------------------------------------------

; measure: RBX = a timed loop, RSI = its name. Prints the row.
; With [checked] set the kicks must leave 0 in RAX and may raise an exception: otherwise the row is `name (skipped)`.
measure:
        push    rbp
        mov     ebp, 32
        cmp     byte [checked], 0
        je      .pass
        TRY     .skipped
.pass:
        add     ebp, ebp
        mov     r12d, ebp
        mov     [subject], rbx          ; CPUID and the hypercall clobber RBX
        mov     [subject_name], rsi
        call    rbx
        mov     rbx, [subject]
        mov     rsi, [subject_name]
        mov     [ticks], rax
        cmp     byte [checked], 0
        je      .delivered
        test    r14, r14
        jnz     .skipped
.delivered:
        cmp     rax, [goal]
        jae     .report
        cmp     ebp, MAX_ITERATIONS
        jb      .pass
.report:
        call    puts
        mov     al, ' '
        call    putc
        mov     rax, [ticks]
        xor     edx, edx
        div     rbp
        call    put_decimal
        cmp     byte [raw], 0
        je      .end_of_line
        mov     al, ' '
        call    putc
        mov     rax, rbp
        call    put_decimal
        mov     al, ' '
        call    putc
        mov     rax, [ticks]
        call    put_decimal
.end_of_line:
        mov     al, 10
        call    putc
.done:
        mov     byte [checked], 0
        mov     qword [exception.resume_rip], 0
        pop     rbp
        ret
.skipped:
        mov     rsi, [subject_name]
        call    puts
        PRINT   ' (skipped)', 10
        jmp     .done

main:
        call    idt_install
        call    read_options

        HAS_WORD 'empty'
        jz      .sub_tests
        lea     rbx, [loop_empty]
        lea     rsi, [name_empty]
        call    measure
.sub_tests:
        lea     r15, [sub_tests]
.next:
        mov     rsi, [r15]
        test    rsi, rsi
        jz      .pci
        cmp     byte [selective], 0
        je      .run
        call    find_word
        test    rax, rax
        jz      .skip
.run:
        mov     rbx, [r15 + 8]
        cmp     r15, hypercall_row
        jne     .measure
        mov     byte [checked], 1
        cmp     byte [intel], 0
        jne     .measure
        lea     rbx, [loop_vmmcall]
.measure:
        call    measure
.skip:
        add     r15, 16
        jmp     .next
.pci:
        call    pci_tests
        xor     eax, eax
        ret

read_options:
        mov     ecx, DEFAULT_GOAL
        lea     rsi, [option_goal]
        call    find_word
        test    rax, rax
        jz      .goal
        mov     rsi, rax
        call    parse_decimal
        mov     rcx, rax
        cmp     rcx, 62
        jbe     .goal
        mov     ecx, 62
.goal:
        mov     eax, 1
        shl     rax, cl
        mov     [goal], rax
        HAS_WORD 'raw'
        setnz   [raw]

        xor     eax, eax                ; the vendor's name: "GenuineIntel" in EBX, EDX, ECX has VMCALL, others VMMCALL
        cpuid
        cmp     ebx, 'Genu'
        jne     .selection
        cmp     edx, 'ineI'
        jne     .selection
        cmp     ecx, 'ntel'
        sete    [intel]
.selection:
        lea     rdi, [sub_tests]
.name:
        mov     rsi, [rdi]
        test    rsi, rsi
        jz      .pci_words
        call    find_word
        test    rax, rax
        jnz     .selective
        add     rdi, 16
        jmp     .name
.pci_words:
        HAS_WORD 'pci-mem'
        jnz     .selective
        HAS_WORD 'pci-io'
        jz      .done
.selective:
        mov     byte [selective], 1
.done:
        ret

        section .data
option_goal:    db 'goal=', 0
%macro NAME 2
name_%1:        db %2, 0
%endmacro
        NAME    empty, 'empty'
        NAME    cpuid, 'cpuid'
        NAME    hypercall, 'hypercall'
        NAME    pio_none, 'pio-none'
        NAME    pio_wildcard, 'pio-wildcard'
        NAME    pio_datamatch, 'pio-datamatch'
        NAME    mmio_none, 'mmio-none'
        NAME    mmio_wildcard, 'mmio-wildcard'
        NAME    mmio_datamatch, 'mmio-datamatch'
        NAME    pv, 'pv'
        NAME    pci_mem, 'pci-mem'
        NAME    pci_io, 'pci-io'
        align   8, db 0
sub_tests:
        dq      name_cpuid, loop_cpuid
hypercall_row:
        dq      name_hypercall, loop_vmcall
        dq      name_pio_none, loop_pio_none
        dq      name_pio_wildcard, loop_pio_wildcard
        dq      name_pio_datamatch, loop_pio_datamatch
        dq      name_mmio_none, loop_mmio_none
        dq      name_mmio_wildcard, loop_mmio_wildcard
        dq      name_mmio_datamatch, loop_mmio_datamatch
        dq      name_pv, loop_pv
        dq      0

        section .bss
        alignb  8
goal:           resq 1
ticks:          resq 1
subject:        resq 1
subject_name:   resq 1
raw:            resb 1
selective:      resb 1
intel:          resb 1
checked:        resb 1

%include "pci-testdev.inc"

        IMAGE_END
