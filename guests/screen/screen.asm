; Draws on the VGA's text screen: a title in every colour, all 256 characters, all 256 attributes, and a counter that the cursor
; goes behind. Prints `screen done` on the UART and ends with debug-exit value 0.
;
;   row 0        title, the colours 1 to 15 one after the other
;   rows 2-9     characters 0 to 255, 32 a row, from column 8, light grey
;   rows 11-18   attributes 0 to 255 on an asterisk, 32 a row, from column 8
;   row 20       `count N`: up to ROUNDS, the cursor behind the last digit
;
; Command line: `rounds=N` counts so far instead (0: forever, and there is no end).

%include "multiboot.inc"
%include "longmode.inc"
%include "serial.inc"
%include "words.inc"

%define SCREEN          0xB8000
%define ROW             160             ; bytes
%define CRTC            0x3D4           ; index in the low byte, data in the high one of a 16-bit OUT
%define CURSOR_START    0x0A
%define CURSOR_HIGH     0x0E
%define CURSOR_LOW      0x0F
%define STATUS          0x3DA
%define RETRACE         0x08
%define GREY            0x07
%define ROUNDS          1000

main:
        mov     ecx, ROUNDS
        lea     rsi, [option_rounds]
        call    find_word
        test    rax, rax
        jz      .rounds
        mov     rsi, rax
        call    parse_decimal
        mov     ecx, eax
.rounds:
        mov     r14d, ecx

        mov     edi, SCREEN             ; blank
        mov     eax, 0x07200720
        mov     ecx, 25 * ROW / 4
        rep     stosd

        lea     rsi, [title]
        mov     edi, SCREEN + 2 * 8
        mov     ah, 1
.title:
        lodsb
        test    al, al
        jz      .characters
        stosw
        inc     ah
        cmp     ah, 15
        jbe     .title
        mov     ah, 1
        jmp     .title

.characters:
        mov     edi, SCREEN + 2 * ROW + 2 * 8
        mov     eax, GREY << 8
        mov     edx, 1                  ; what comes after a cell: the next character
        call    table
        mov     edi, SCREEN + 11 * ROW + 2 * 8
        mov     eax, '*'
        mov     edx, 0x100              ; the next attribute
        call    table

        mov     eax, CURSOR_START | (0 << 8)    ; a block: the cell's lines 0 to 14
        mov     edx, CRTC
        out     dx, ax
        lea     rsi, [label]
        mov     edi, SCREEN + 20 * ROW + 2 * 8
        mov     ah, GREY
.label:
        lodsb
        test    al, al
        jz      .count
        stosw
        jmp     .label

.count:
        mov     r15, rdi                ; where the number goes
        xor     r12d, r12d
.next:
        inc     r12d
        call    show_count
        mov     edx, STATUS             ; once a picture
.picture:
        in      al, dx
        test    al, RETRACE
        jnz     .picture
.retrace:
        in      al, dx
        test    al, RETRACE
        jz      .retrace
        cmp     r12d, r14d
        jne     .next
        PRINT   'screen done', 10
        xor     eax, eax
        ret

; table: 256 cells from RDI, 32 a row; AX is the first, EDX what is added from one to the next
table:
        mov     ecx, 256
.cell:
        stosw
        add     eax, edx
        dec     ecx
        test    ecx, 31
        jnz     .cell
        add     edi, ROW - 2 * 32
        test    ecx, ecx
        jnz     .cell
        ret

; show_count: R12D in decimal at R15, and the cursor behind it
show_count:
        mov     eax, r12d
        xor     ecx, ecx
        mov     ebx, 10
.digit:
        xor     edx, edx
        div     ebx
        add     edx, '0' | (0x0F << 8)
        push    rdx
        inc     ecx
        test    eax, eax
        jnz     .digit
        mov     rdi, r15
.show:
        pop     rax
        stosw
        dec     ecx
        jnz     .show
        lea     ecx, [rdi - SCREEN]
        shr     ecx, 1
        mov     edx, CRTC
        mov     eax, ecx
        mov     al, CURSOR_HIGH
        out     dx, ax
        mov     ah, cl
        mov     al, CURSOR_LOW
        out     dx, ax
        ret

        section .data
option_rounds:  db 'rounds=', 0
title:          db 'Doorbell: 80 by 25 characters of text, and no exit for drawing them', 0
label:          db 'count ', 0
        section .text

        IMAGE_END
