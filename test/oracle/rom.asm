; A ROM that starts one Multiboot 1 image (a.out-kludge form) and nothing else, for Bochs, which cannot load one itself.
; From the reset vector to 32-bit protected mode, copies the image where its header wants it, clears its bss, and enters it
; with the registers and the information block that the protocol promises.
;
;   nasm -f bin -DIMAGE='"guest.bin"' -DCOMMAND='"words"' -o rom.bin rom.asm          the ROM ends at 4 GiB

%define ROM_SIZE        0x80000
%define ROM_BASE        (0x100000000 - ROM_SIZE)
%define GDT_OFFSET      (0x10000 - 0x80 + gdt_pointer - gdt) ; in the segment of real mode at reset: the last 64 KiB
%define INFORMATION     0x7000          ; in RAM, below everything that a guest uses
%define HEADER_LOAD     16              ; offsets in the Multiboot header
%define HEADER_LOAD_END 20
%define HEADER_BSS_END  24
%define HEADER_ENTRY    28

        org     ROM_BASE
        bits    32
image:
        incbin  IMAGE
image_end:
command:
        db      COMMAND, 0

protected:
        mov     eax, 16
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        xor     eax, eax
        mov     fs, eax
        mov     gs, eax
        mov     ebx, image              ; the header is the first thing of the image
        mov     edi, [ebx + HEADER_LOAD]
        mov     esi, ebx
        mov     ecx, image_end - image
        rep     movsb
        mov     edi, [ebx + HEADER_LOAD_END]
        mov     ecx, [ebx + HEADER_BSS_END]
        sub     ecx, edi
        rep     stosb
        mov     dx, 0x3FB               ; the UART sends eight bits, as firmware would have left it
        mov     al, 3
        out     dx, al
        mov     edx, [ebx + HEADER_ENTRY]
        mov     ebx, INFORMATION
        mov     edi, ebx
        mov     ecx, 128
        xor     eax, eax
        rep     stosb
        mov     dword [ebx], 4          ; flags: there is a command line
        mov     dword [ebx + 16], command
        mov     eax, 0x2BADB002
        jmp     edx

        times ROM_SIZE - 0x80 - ($ - $$) db 0
        align   8
gdt:
        dq      0
        dq      0x00CF9B000000FFFF
        dq      0x00CF93000000FFFF
gdt_pointer:
        dw      gdt_pointer - gdt - 1
        dd      gdt

        bits    16
start:
        cli
        o32 lgdt [cs:GDT_OFFSET]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword 8:protected
        times ROM_SIZE - 16 - ($ - $$) db 0
reset:
        jmp     start
        times ROM_SIZE - ($ - $$) db 0
