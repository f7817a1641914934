; 32-bit protected mode: a Multiboot 1 image in ELF32 form (no a.out kludge), so that a loader's ELF path is used.
; NASM writes the ELF header itself: no linker is needed to rebuild it.

%include "machine.inc"

%define BASE            0x100000
%define PT_LOAD         1
%define PF_R_W_X        7

        org     BASE
        bits    32
elf_header:
        db      0x7F, 'ELF', 1, 1, 1, 0 ; 32-bit, little-endian, version 1
        dq      0
        dw      2, 3                    ; ET_EXEC, EM_386
        dd      1, start, program_header - elf_header, 0, 0
        dw      52, 32, 1, 40, 0, 0
program_header:
        dd      PT_LOAD, 0, BASE, BASE, file_end - BASE, memory_end - BASE, PF_R_W_X, 0x1000

        align   4
        dd      0x1BADB002, 0, -0x1BADB002

start:
        cld
        mov     esp, memory_end
        mov     esi, text
        cmp     eax, 0x2BADB002
        je      print
        mov     esi, text_no_multiboot
print:
        lodsb
        test    al, al
        jz      done
        call    putc
        jmp     print
done:
        xor     eax, eax
        out     DEBUG_EXIT, eax
halt:
        cli
        hlt
        jmp     halt

putc:
        mov     ah, al
        mov     dx, UART_LSR
.wait:
        in      al, dx
        test    al, UART_LSR_THRE
        jz      .wait
        mov     dx, UART_THR
        mov     al, ah
        out     dx, al
        ret

text:   db      'Hello from protected mode', 10, 0
text_no_multiboot:
        db      'Hello from protected mode, but EAX is not 0x2BADB002', 10, 0
        align   16, db 0
file_end:
memory_end equ  file_end + 4096
