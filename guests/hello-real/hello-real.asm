; Real mode: a boot sector that prints one line on the UART and ends with debug-exit value 0.

%include "machine.inc"

        org     0x7C00
        bits    16
        cld
        xor     ax, ax
        mov     ds, ax
        mov     si, text
next:
        lodsb
        test    al, al
        jz      done
        mov     ah, al
        mov     dx, UART_LSR
wait_empty:
        in      al, dx
        test    al, UART_LSR_THRE
        jz      wait_empty
        mov     dx, UART_THR
        mov     al, ah
        out     dx, al
        jmp     next
done:
        xor     eax, eax
        out     DEBUG_EXIT, eax
halt:
        cli
        hlt
        jmp     halt

text:   db      'Hello from real mode', 10, 0

        times   510 - ($ - $$) db 0
        dw      0xAA55                  ; a BIOS boots it, too
