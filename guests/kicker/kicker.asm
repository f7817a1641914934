; Kicks forever. Which kick, the host says in the register at port WANTED, and may change while this runs: it is read once in
; BATCH kicks, so that reading it costs next to nothing beside them.
;
; Prints `kicker: a register says which kick` at first, and `kick NAME` whenever the kind is another. A number that is no kick's
; (nobody answers at the port: 65535) ends it with a line and value 1.
;
; Every loop has the shape of those in vmexit: `kick; dec r12d; jnz`.

%include "multiboot.inc"
%include "longmode.inc"
%include "serial.inc"
%include "kicks.inc"

%define WANTED          0x7d6           ; 16 bits: a row of `kinds`
%define BATCH           4096
%define NONE_BATCH      32768           ; nothing leaves the guest here: still a read in less than a millisecond

; %1 = name, %2 = macro that loads registers, %3 = the kick
%macro KICK_LOOP 3
        align   16, nop
loop_%1:
        %2
        mov     r12d, BATCH
        align   16, nop
%%again:
        %3
        dec     r12d
        jnz     %%again
        ret
%endmacro

        KICK_LOOP cpuid, LOAD_NOTHING, KICK_CPUID
        KICK_LOOP vmcall, LOAD_HYPERCALL, KICK_VMCALL
        KICK_LOOP vmmcall, LOAD_HYPERCALL, KICK_VMMCALL
        KICK_LOOP pio_none, LOAD_PIO PIO_NONE, KICK_PIO
        KICK_LOOP pio_wildcard, LOAD_PIO PIO_WILDCARD, KICK_PIO
        KICK_LOOP pio_datamatch, LOAD_PIO PIO_DATAMATCH, KICK_PIO
        KICK_LOOP mmio_none, LOAD_MMIO MMIO_NONE, KICK_MMIO
        KICK_LOOP mmio_wildcard, LOAD_MMIO MMIO_WILDCARD, KICK_MMIO
        KICK_LOOP mmio_datamatch, LOAD_MMIO MMIO_DATAMATCH, KICK_MMIO
        KICK_LOOP pv, LOAD_MMIO PV, KICK_MMIO

; Computes: xorshift64 on R8, summed in R9.
        align   16, nop
loop_none:
        mov     r12d, NONE_BATCH
        align   16, nop
.again:
        mov     rax, r8
        shl     rax, 13
        xor     r8, rax
        mov     rax, r8
        shr     rax, 7
        xor     r8, rax
        mov     rax, r8
        shl     rax, 17
        xor     r8, rax
        add     r9, r8
        dec     r12d
        jnz     .again
        ret

main:
        xor     eax, eax                ; "GenuineIntel" in EBX, EDX, ECX has VMCALL, others VMMCALL
        cpuid
        cmp     ebx, 'Genu'
        jne     .other
        cmp     edx, 'ineI'
        jne     .other
        cmp     ecx, 'ntel'
        je      .known
.other:
        lea     rax, [loop_vmmcall]
        mov     [hypercall_loop], rax
.known:
        PRINT   'kicker: a register says which kick', 10
        mov     r8d, 1
        xor     r9d, r9d
        mov     r15d, -1                ; the kind now
.ask:
        mov     edx, WANTED
        xor     eax, eax
        in      ax, dx
        cmp     eax, r15d
        je      .kick
        cmp     eax, KINDS
        jae     .unknown
        mov     r15d, eax
        shl     eax, 4
        lea     r14, [kinds]
        add     r14, rax
        PRINT   'kick '
        mov     rsi, [r14]
        call    puts
        PRINT   10
.kick:
        call    [r14 + 8]
        jmp     .ask
.unknown:
        PRINT   'kicker: no kick has number '
        call    put_decimal
        PRINT   10
        mov     eax, 1
        ret

        section .data
%macro NAME 2
name_%1:        db %2, 0
%endmacro
        NAME    none, 'none'
        NAME    cpuid, 'cpuid'
        NAME    hypercall, 'hypercall'
        NAME    pio_none, 'pio-none'
        NAME    pio_wildcard, 'pio-wildcard'
        NAME    pio_datamatch, 'pio-datamatch'
        NAME    mmio_none, 'mmio-none'
        NAME    mmio_wildcard, 'mmio-wildcard'
        NAME    mmio_datamatch, 'mmio-datamatch'
        NAME    pv, 'pv'
        align   8, db 0
kinds:
        dq      name_none, loop_none
        dq      name_cpuid, loop_cpuid
        dq      name_hypercall
hypercall_loop:
        dq      loop_vmcall
        dq      name_pio_none, loop_pio_none
        dq      name_pio_wildcard, loop_pio_wildcard
        dq      name_pio_datamatch, loop_pio_datamatch
        dq      name_mmio_none, loop_mmio_none
        dq      name_mmio_wildcard, loop_mmio_wildcard
        dq      name_mmio_datamatch, loop_mmio_datamatch
        dq      name_pv, loop_pv
KINDS           equ ($ - kinds) / 16
        section .text

        IMAGE_END
