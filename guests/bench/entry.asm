; Multiboot entry for the C loops: to long mode, first 1 GiB identity-mapped with 2 MiB pages, then C.
; Linked by image.ld to a flat a.out-kludge image (Multiboot Specification 0.6.96, 3.1.3).

%include "machine.inc"

        extern  image_load_end, image_bss_end, bench_main
        global  multiboot_header

        section .multiboot progbits alloc exec nowrite align=16
        bits    32
multiboot_header:
        dd      0x1BADB002, 0x00010000, -(0x1BADB002 + 0x00010000)
        dd      multiboot_header, multiboot_header, image_load_end, image_bss_end, start32

start32:
        mov     esp, stack_top
        xor     edi, edi                ; the command line, for C: 0 = none
        cmp     eax, 0x2BADB002
        jne     .paging
        test    dword [ebx], 4
        jz      .paging
        mov     edi, [ebx + 16]
.paging:
        mov     dword [pml4], pdpt + 3
        mov     dword [pdpt], page_directory + 3
        mov     edx, page_directory
        mov     eax, 0x83               ; present, writable, 2 MiB
        mov     ecx, 512
.page:
        mov     [edx], eax
        add     edx, 8
        add     eax, 0x200000
        dec     ecx
        jnz     .page
        mov     eax, cr4
        or      eax, 0x620              ; PAE, OSFXSR, OSXMMEXCPT
        mov     cr4, eax
        mov     eax, pml4
        mov     cr3, eax
        mov     ecx, 0xC0000080         ; EFER.LME
        rdmsr
        or      eax, 0x100
        wrmsr
        mov     eax, cr0
        or      eax, 0x80000003         ; PG, MP, PE
        mov     cr0, eax
        lgdt    [gdt_pointer]
        jmp     8:start64

        bits    64
start64:
        mov     eax, 16
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     esp, stack_top
        mov     edi, edi                ; the upper half was undefined until here
        xor     ebp, ebp
        cld
        fninit
        call    bench_main
        out     DEBUG_EXIT, eax
halt:
        cli
        hlt
        jmp     halt

        align   8
gdt:
        dq      0, 0x00AF9B000000FFFF, 0x00CF93000000FFFF
gdt_pointer:
        dw      gdt_pointer - gdt - 1
        dd      gdt

        section .bss nobits alloc noexec write align=4096
pml4:   resb    4096
pdpt:   resb    4096
page_directory:
        resb    4096
        resb    65536
stack_top:
