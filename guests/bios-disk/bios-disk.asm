; A disk that a BIOS boots: 64 KiB, of which the BIOS reads the first sector. Says on COM1 and on the BIOS's screen what it finds:
; the rest of itself by CHS and by LBA (INT 13h), the map of memory (INT 15h, E820h), the text screen (INT 10h), the clock (INT 1Ah).
; Each step prints `name ok` or `name FAIL AH`; debug-exit value 0 if all went well, or the number of failures.
; INT 13h, 15h, 1Ah: Ralf Brown's Interrupt List; the extensions of INT 13h: EDD 3.0 (Phoenix), chapter 5.

%include "machine.inc"

SECTOR   equ    512
SECTORS  equ    128
BEHIND   equ    0x7E00                  ; sectors 1 to 7, behind the first
BUFFER   equ    0x3000                  ; segment: what is read for comparison

        org     0x7C00
        bits    16
        jmp     0:start
start:
        cli
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 0x7C00
        sti
        cld
        mov     [drive], dl
        mov     si, hello
        call    puts

        mov     ax, 0x0207              ; seven sectors
        mov     cx, 0x0002              ; cylinder 0, from sector 2
        mov     dh, 0                   ; head 0
        mov     dl, [drive]
        mov     bx, BEHIND
        int     0x13
        mov     si, name_chs
        jc      fail_at_once
        cmp     word [rest_mark], 0x2FD0
        jne     fail_at_once
        call    ok
        jmp     more

; without the rest there is nothing to go on with
fail_at_once:
        call    fail
        mov     eax, 1
        out     DEBUG_EXIT, eax
.halt:  cli
        hlt
        jmp     .halt

; ok, fail: the step whose name is at SI; fail says AH
ok:
        call    puts
        mov     si, said_ok
        jmp     puts
fail:
        inc     dword [failures]
        push    ax
        call    puts
        mov     si, said_fail
        call    puts
        pop     ax
        mov     al, ah
        call    put_hex8
        mov     al, 10
        jmp     putc

puts:
        lodsb
        test    al, al
        jz      .done
        call    putc
        jmp     puts
.done:  ret

; putc: AL on COM1, and on the screen as the BIOS writes there
putc:
        pusha
        push    ax
        mov     ah, al
        mov     dx, UART_LSR
.wait:  in      al, dx
        test    al, UART_LSR_THRE
        jz      .wait
        mov     dx, UART_THR
        mov     al, ah
        out     dx, al
        pop     ax
        mov     ah, 0x0E
        mov     bx, 0x0007
        cmp     al, 10
        jne     .one
        mov     al, 13
        int     0x10
        mov     ax, 0x0E0A
.one:   int     0x10
        popa
        ret

put_hex8:                               ; AL
        push    ax
        shr     al, 4
        call    .digit
        pop     ax
        and     al, 15
.digit: cmp     al, 10
        sbb     al, 0x69                ; 0-9, A-F: the carry and DAS make the letter
        das
        jmp     putc

hello:     db   'booted by the BIOS', 10, 0
said_ok:   db   ' ok', 10, 0
said_fail: db   ' FAIL ', 0
name_chs:  db   'read-chs', 0
drive:     db   0
failures:  dd   0

        times   510 - ($ - $$) db 0
        dw      0xAA55

rest_mark: dw   0x2FD0

more:
; the extensions are there, and read the same as CHS
        mov     si, name_extensions
        mov     ah, 0x41
        mov     bx, 0x55AA
        mov     dl, [drive]
        int     0x13
        jc      .no_extensions
        cmp     bx, 0xAA55
        jne     .no_extensions
        test    cl, 1                   ; the packet interface
        jz      .no_extensions
        call    ok
        jmp     .size
.no_extensions:
        call    fail

.size:
        mov     si, name_size
        mov     ah, 0x48
        mov     dl, [drive]
        mov     si, parameters
        int     0x13
        mov     si, name_size
        jc      .no_size
        cmp     dword [parameters + 16], SECTORS
        jne     .no_size
        cmp     word [parameters + 24], SECTOR
        jne     .no_size
        call    ok
        jmp     .lba
.no_size:
        call    fail

; all sectors of the pattern, at once
.lba:
        mov     ah, 0x42
        mov     dl, [drive]
        mov     si, packet
        int     0x13
        mov     si, name_lba
        jc      .no_lba
        push    ds
        mov     ax, BUFFER
        mov     ds, ax
        xor     bx, bx
        mov     dl, PATTERN_FROM
.next:
        mov     al, bl
        add     al, dl
        cmp     al, [bx]
        jne     .differs
        inc     bx
        test    bx, SECTOR - 1
        jnz     .next
        inc     dl
        cmp     dl, SECTORS
        jne     .next
        pop     ds
        call    ok
        jmp     .beyond
.differs:
        pop     ds
.no_lba:
        call    fail

; a sector behind the end is refused
.beyond:
        mov     dword [packet + 8], SECTORS
        mov     word [packet + 2], 1
        mov     ah, 0x42
        mov     dl, [drive]
        mov     si, packet
        int     0x13
        mov     si, name_beyond
        jnc     .not_refused
        call    ok
        jmp     .write
.not_refused:
        call    fail

; what is written is read back
.write:
        mov     di, BUFFER
        mov     es, di
        xor     di, di
        mov     cx, SECTOR / 2
        mov     ax, 0xD00B
        rep stosw
        mov     dword [packet + 8], SECTORS - 1
        mov     ax, 0x4300
        mov     dl, [drive]
        mov     si, packet
        int     0x13
        mov     si, name_write
        jc      .not_written
        xor     di, di
        mov     cx, SECTOR / 2
        xor     ax, ax
        rep stosw
        mov     ah, 0x42
        mov     dl, [drive]
        mov     si, packet
        int     0x13
        mov     si, name_write
        jc      .not_written
        xor     di, di
        mov     cx, SECTOR / 2
        mov     ax, 0xD00B
        repe scasw
        jne     .not_written
        call    ok
        jmp     .map
.not_written:
        call    fail

; the map of memory, an entry a line: base, length, type
.map:
        xor     ax, ax
        mov     es, ax
        xor     ebx, ebx
.entry:
        mov     eax, 0xE820
        mov     edx, 'PAMS'
        mov     ecx, 20
        mov     di, entry
        int     0x15
        jc      .no_map
        cmp     eax, 'PAMS'
        jne     .no_map
        push    ebx
        mov     si, name_entry
        call    puts
        mov     eax, [entry + 4]
        call    put_hex32
        mov     eax, [entry]
        call    put_hex32
        mov     al, ' '
        call    putc
        mov     eax, [entry + 12]
        call    put_hex32
        mov     eax, [entry + 8]
        call    put_hex32
        mov     al, ' '
        call    putc
        mov     al, [entry + 16]
        call    put_hex8
        mov     al, 10
        call    putc
        pop     ebx
        test    ebx, ebx
        jnz     .entry
        mov     si, name_map
        call    ok
        jmp     .clock
.no_map:
        mov     si, name_map
        call    fail

; IRQ 0 arrives: the BIOS counts it at 18.2 Hz, and INT 1Ah tells
.clock:
        mov     ah, 0
        int     0x1A
        mov     bx, dx
.tick:
        hlt
        mov     ah, 0
        int     0x1A
        sub     dx, bx
        cmp     dx, 3
        jb      .tick
        mov     si, name_clock
        call    ok

; the screen is at B8000h, and what was printed is on it
        mov     ax, 0xB800
        mov     es, ax
        xor     di, di
        mov     cx, 80 * 25
        mov     si, name_screen
.look:
        cmp     dword [es:di], 'r' | 7 << 8 | 'e' << 16 | 7 << 24
        je      .seen                   ; the first letters of a step's name, in grey
        add     di, 2
        loop    .look
        call    fail
        jmp     .end
.seen:
        call    ok
.end:
        mov     eax, [failures]
        out     DEBUG_EXIT, eax
.halt:  cli
        hlt
        jmp     .halt

put_hex32:                              ; EAX
        mov     cx, 4
.byte:
        rol     eax, 8
        push    eax
        push    cx
        call    put_hex8
        pop     cx
        pop     eax
        loop    .byte
        ret

name_extensions: db 'extensions', 0
name_size:   db 'size', 0
name_lba:    db 'read-lba', 0
name_beyond: db 'refused-beyond', 0
name_write:  db 'write', 0
name_entry:  db 'e820 ', 0
name_map:    db 'memory-map', 0
name_clock:  db 'clock-ticks', 0
name_screen: db 'screen', 0

PATTERN_FROM equ 8

        align   4
packet: db      16, 0
        dw      SECTORS - PATTERN_FROM
        dw      0, BUFFER
        dq      PATTERN_FROM
parameters: dw  30
        times   28 db 0
entry:  times   20 db 0

        times   PATTERN_FROM * SECTOR - ($ - $$) db 0

; byte j of sector i is i + j, in eight bits
%assign i PATTERN_FROM
%rep SECTORS - PATTERN_FROM
%assign j 0
%rep SECTOR
        db      (i + j) & 255
%assign j j + 1
%endrep
%assign i i + 1
%endrep
