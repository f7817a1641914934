; All timers of a PC at once, each with an interrupt of its own, and a processor that is halted in between. Ends by the
; debug-exit port after so many interrupts of the RTC as the dword at byte 4 of the image says; 0 is never.
;
;   7000h  dwords: interrupts of PIT, RTC, local APIC, HPET, and self-IPIs (one from each of the local APIC's)
;   7020h  the TSC behind the last HLT
;
; The PIT has its longest period, 65,536; the RTC interrupts once a second, after its update; the local APIC's timer once a
; second, in xAPIC mode, if its clock has 25 MHz; the HPET once a second.

PIT_COUNT       equ 0x7000
RTC_COUNT       equ 0x7004
APIC_COUNT      equ 0x7008
HPET_COUNT      equ 0x700C
IPI_COUNT       equ 0x7010
LAST_TSC        equ 0x7020

LOCAL_APIC      equ 0xFEE00000
APIC_TPR        equ LOCAL_APIC + 0x080
APIC_EOI        equ LOCAL_APIC + 0x0B0
APIC_SVR        equ LOCAL_APIC + 0x0F0
APIC_ICR        equ LOCAL_APIC + 0x300
APIC_TIMER      equ LOCAL_APIC + 0x320
APIC_LINT0      equ LOCAL_APIC + 0x350
APIC_INITIAL    equ LOCAL_APIC + 0x380
APIC_DIVIDE     equ LOCAL_APIC + 0x3E0
IO_APIC         equ 0xFEC00000
HPET            equ 0xFED00000
HPET_GSI        equ 20

DEBUG_EXIT      equ 0xF4

PIT_VECTOR      equ 0x20
RTC_VECTOR      equ 0x28
IPI_VECTOR      equ 0x30
APIC_VECTOR     equ 0x40
HPET_VECTOR     equ 0x50

        bits    16
        org     0x7C00

%macro VECTOR 2
        mov     dword [%1 * 4], %2
%endmacro
%macro OUTB 2
        mov     al, %2
        out     %1, al
%endmacro
%macro PUT 2                            ; to 32-bit addresses
        mov     dword [fs:dword %1], %2
%endmacro

        jmp     short start
        align   4, db 0
last:   dd      0

start:
        cli
        xor     ax, ax
        mov     ds, ax
        mov     ss, ax
        mov     sp, 0x7000
; FS becomes 4 GiB large: its limit outlives protected mode.
        lgdt    [gdt_pointer]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        mov     bx, 8
        mov     fs, bx
        and     al, 0xFE
        mov     cr0, eax

        xor     ax, ax
        mov     es, ax
        mov     di, 0x7000
        mov     cx, 20
        rep     stosw
        VECTOR  PIT_VECTOR, on_pit
        VECTOR  RTC_VECTOR, on_rtc
        VECTOR  IPI_VECTOR, on_ipi
        VECTOR  APIC_VECTOR, on_apic
        VECTOR  HPET_VECTOR, on_hpet

; 8259s: edges, 8086 mode, IRQ 0, 2 and 8.
        OUTB    0x20, 0x11
        OUTB    0x21, PIT_VECTOR
        OUTB    0x21, 4
        OUTB    0x21, 1
        OUTB    0xA0, 0x11
        OUTB    0xA1, RTC_VECTOR
        OUTB    0xA1, 2
        OUTB    0xA1, 1
        OUTB    0x21, 0xFA
        OUTB    0xA1, 0xFE

        PUT     APIC_SVR, 0x1FF
        PUT     APIC_TPR, 0
        PUT     APIC_LINT0, 0x700
        PUT     APIC_DIVIDE, 0x3
        PUT     APIC_TIMER, 0x20000 | APIC_VECTOR
        PUT     APIC_INITIAL, 1562500

; HPET: timer 0, level-triggered, through the I/O APIC. Bit 6 of its configuration: the next write of the comparator is to
; the period, too.
        PUT     IO_APIC, 0x10 + HPET_GSI * 2
        PUT     IO_APIC + 0x10, 0x8000 | HPET_VECTOR
        mov     eax, [fs:dword HPET + 4]        ; femtoseconds of a tick
        mov     ebx, eax
        mov     eax, 0xA4C68000                 ; 10^15 = 3_8D7E_A4C6_8000h
        mov     edx, 0x38D7E
        div     ebx
        mov     ecx, eax
        PUT     HPET + 0x10, 0
        PUT     HPET + 0xF0, 0
        PUT     HPET + 0xF4, 0
        PUT     HPET + 0x100, (HPET_GSI << 9) | 0x14E
        mov     [fs:dword HPET + 0x108], ecx
        mov     [fs:dword HPET + 0x108], ecx
        PUT     HPET + 0x10, 1

; PIT: counter 0, mode 2, 65,536. RTC: interrupts after updates.
        OUTB    0x43, 0x34
        OUTB    0x40, 0
        OUTB    0x40, 0
        OUTB    0x70, 0x0B
        in      al, 0x71
        or      al, 0x10
        mov     ah, al
        OUTB    0x70, 0x0B
        mov     al, ah
        out     0x71, al

forever:
        sti
        hlt
        rdtsc
        mov     [LAST_TSC], eax
        mov     [LAST_TSC + 4], edx
        jmp     forever

on_pit:
        inc     dword [PIT_COUNT]
        push    ax
        OUTB    0x20, 0x20
        pop     ax
        iret
on_rtc:
        inc     dword [RTC_COUNT]
        push    ax
        OUTB    0x70, 0x0C              ; reading register C lets the next one come
        in      al, 0x71
        OUTB    0xA0, 0x20
        OUTB    0x20, 0x20
        pop     ax
        push    eax
        mov     eax, [RTC_COUNT]
        cmp     eax, [last]
        pop     eax
        jne     .go_on
        out     DEBUG_EXIT, al
.go_on:
        iret
on_apic:
        inc     dword [APIC_COUNT]
        PUT     APIC_ICR, 0x40000 | IPI_VECTOR  ; of lower priority: it comes with the EOI
        PUT     APIC_EOI, 0
        iret
on_ipi:
        inc     dword [IPI_COUNT]
        PUT     APIC_EOI, 0
        iret
on_hpet:
        inc     dword [HPET_COUNT]
        PUT     HPET + 0x20, 1
        PUT     APIC_EOI, 0
        iret

        align   8
gdt:    dq      0
        dq      0x00CF93000000FFFF
gdt_pointer:
        dw      15
        dd      gdt
