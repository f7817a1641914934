; One instruction in user mode: loads the registers and memory of a case of `doorbell fuzz --target execute`, runs it, and
; prints what became of them. The fuzzer writes the case behind the mark (src/fuzz/execute/boot-image.ts); the layout of a
; case is that of src/fuzz/execute/layout.ts. Address 0 to 2 MiB is this image's and supervisor's: an access there is
; reported as a protection violation, where the fuzzer's own machines have nothing.

%define EFER_EXTRA      EFER_NXE
%include "multiboot.inc"
%include "longmode.inc"
%include "serial.inc"
%include "idt.inc"

%define CODE_BASE       0x08000000
%define DATA_BASE       0x10000000
%define PAGES_SIZE      0x2000
%define PTE_NX          (1 << 63)
%define MODE32          1
%define WITH_FPU        2
%define MSR_FS_BASE     0xC0000100
%define MSR_GS_BASE     0xC0000101
%define CR0_WANTED      0x80050033      ; PG AM WP NE ET MP PE
%define CR4_FXSR        0x600           ; OSXMMEXCPT OSFXSR
%define CR4_FSGSBASE    0x10000
%define CR4_OSXSAVE     0x40000
%define CPUID_XSAVE     (1 << 26)       ; leaf 1, ECX
%define CPUID_AVX       (1 << 28)
%define FPU_SIZE        832

; EACH_REGISTER macro: macro number, register; for all but RSP
%macro EACH_REGISTER 1
        %1      0, rax
        %1      1, rcx
        %1      2, rdx
        %1      3, rbx
        %1      5, rbp
        %1      6, rsi
        %1      7, rdi
        %1      8, r8
        %1      9, r9
        %1      10, r10
        %1      11, r11
        %1      12, r12
        %1      13, r13
        %1      14, r14
        %1      15, r15
%endmacro
%macro LOAD 2
        mov     %2, [abs case.registers + %1 * 8]
%endmacro
%macro STORE 2
        mov     [abs registers + %1 * 8], %2
%endmacro

        section .data
        align   16
        db      'DBCASE1', 0            ; the fuzzer looks for this
case:
.flags:         dd 0
.place:         dw 0
.patch_place:   dw 0
.length:        db 0
.code:          times 15 db 0
.rflags:        dq 0
.fs_base:       dq 0
.gs_base:       dq 0
.registers:     times 16 dq 0
.patch:         times 64 db 0
.fpu:           times FPU_SIZE db 0

        section .bss
        alignb  4096
code_pages:     resb PAGES_SIZE
data_pages:     resb PAGES_SIZE
base_pages:     resb PAGES_SIZE         ; the data as it was
user_pml4:      resb 4096
user_pdpt:      resb 4096
user_pd:        resb 4096
code_pt:        resb 4096
data_pt:        resb 4096
tss:            resb 128
fpu_area:       resb 4096
registers:      resq 16
fs_after:       resq 1
gs_after:       resq 1
has_xsave:      resb 1
stack0:         resb 8192
stack0_top:

        section .text
        bits    64
        default rel
main:
        call    idt_install
        mov     byte [idt + 3 * 16 + 5], GATE_INTERRUPT3
        call    fill_pages
        call    map_pages
        call    set_tss
        call    set_processor
        lea     rax, [user_pml4]
        mov     cr3, rax
        test    byte [case.flags], WITH_FPU
        jz      .no_fpu
        call    load_fpu
.no_fpu:
        TRY     after
        mov     ecx, SEL_USER64 | 3
        mov     edx, SEL_USER_DATA | 3
        test    byte [case.flags], MODE32
        jz      .bases
        mov     ecx, SEL_USER32 | 3
        mov     ds, edx
        mov     es, edx
        mov     fs, edx
        mov     gs, edx
        jmp     .enter
.bases:
        push    rcx
        push    rdx
        mov     eax, [case.fs_base]
        mov     edx, [case.fs_base + 4]
        mov     ecx, MSR_FS_BASE
        wrmsr
        mov     eax, [case.gs_base]
        mov     edx, [case.gs_base + 4]
        mov     ecx, MSR_GS_BASE
        wrmsr
        pop     rdx
        pop     rcx
.enter:
        movzx   eax, word [case.place]
        add     eax, CODE_BASE
        push    rdx
        push    qword [case.registers + 4 * 8]
        push    qword [case.rflags]
        push    rcx
        push    rax
        EACH_REGISTER LOAD
        iretq

; Here after the exception, at CPL 0, with the registers as it found them.
after:
        EACH_REGISTER STORE
        mov     rax, [exception.rsp]
        mov     [registers + 4 * 8], rax
        mov     ecx, MSR_FS_BASE
        rdmsr
        mov     [fs_after], eax
        mov     [fs_after + 4], edx
        mov     ecx, MSR_GS_BASE
        rdmsr
        mov     [gs_after], eax
        mov     [gs_after + 4], edx
        test    byte [case.flags], WITH_FPU
        jz      .no_fpu
        call    save_fpu
.no_fpu:
        mov     eax, pml4
        mov     cr3, rax
        cld
        jmp     report

; INT3 and the instruction in the code pages, the numbers of layout.ts (baseData) and the patch in the data pages.
fill_pages:
        lea     rdi, [code_pages]
        mov     eax, 0xCCCCCCCC
        mov     ecx, PAGES_SIZE / 4
        rep     stosd
        movzx   edi, word [case.place]
        lea     rax, [code_pages]
        add     rdi, rax
        lea     rsi, [case.code]
        movzx   ecx, byte [case.length]
        rep     movsb
        lea     rdi, [data_pages]
        mov     edx, 0x9E3779B9
        mov     ecx, PAGES_SIZE / 4
.word:
        mov     eax, edx
        shr     eax, 15
        xor     eax, edx
        stosd
        imul    edx, edx, 0x01000193
        add     edx, 0x7F4A7C15
        dec     ecx
        jnz     .word
        movzx   edx, word [case.patch_place]
        lea     rsi, [case.patch]
        lea     rdi, [data_pages]
        mov     ecx, 64
.patch:
        lodsb
        mov     [rdi + rdx], al
        inc     edx
        and     edx, PAGES_SIZE - 1
        dec     ecx
        jnz     .patch
        lea     rsi, [data_pages]
        lea     rdi, [base_pages]
        mov     ecx, PAGES_SIZE / 8
        rep     movsq
        ret

; Nothing but this image for the supervisor, and the test's four pages for the user.
map_pages:
        lea     rax, [user_pdpt + (PTE_P | PTE_W | PTE_U)]
        mov     [user_pml4], rax
        lea     rax, [user_pd + (PTE_P | PTE_W | PTE_U)]
        mov     [user_pdpt], rax
        mov     qword [user_pd], PTE_P | PTE_W | PTE_PS
        lea     rax, [code_pt + (PTE_P | PTE_W | PTE_U)]
        mov     [user_pd + CODE_BASE / 0x200000 * 8], rax
        lea     rax, [data_pt + (PTE_P | PTE_W | PTE_U)]
        mov     [user_pd + DATA_BASE / 0x200000 * 8], rax
        lea     rax, [code_pages + (PTE_P | PTE_U)]
        mov     [code_pt], rax
        add     rax, 4096
        mov     [code_pt + 8], rax
        lea     rax, [data_pages + (PTE_P | PTE_W | PTE_U)]
        mov     rcx, PTE_NX
        or      rax, rcx
        mov     [data_pt], rax
        add     rax, 4096
        mov     [data_pt + 8], rax
        ret

set_tss:
        lea     rax, [stack0_top]
        mov     [tss + 4], rax
        mov     word [tss + 102], 104   ; no I/O permission bitmap
        lea     rax, [tss]
        mov     word [gdt + SEL_TSS], 103
        mov     [gdt + SEL_TSS + 2], ax
        shr     rax, 16
        mov     [gdt + SEL_TSS + 4], al
        mov     byte [gdt + SEL_TSS + 5], 0x89
        mov     byte [gdt + SEL_TSS + 6], 0
        mov     [gdt + SEL_TSS + 7], ah
        mov     eax, SEL_TSS
        ltr     ax
        ret

set_processor:
        mov     eax, CR0_WANTED
        mov     cr0, rax
        mov     eax, 1
        cpuid
        mov     esi, ecx
        mov     rbx, cr4
        or      ebx, CR4_FXSR
        test    esi, CPUID_XSAVE
        jz      .bases
        or      ebx, CR4_OSXSAVE
.bases:
        push    rbx
        mov     eax, 7
        xor     ecx, ecx
        cpuid
        test    bl, 1
        pop     rbx
        jz      .set
        or      ebx, CR4_FSGSBASE
.set:
        mov     cr4, rbx
        test    ebx, CR4_OSXSAVE
        jz      .done
        mov     byte [has_xsave], 1
        mov     eax, 3
        test    esi, CPUID_AVX
        jz      .components
        mov     eax, 7
.components:
        xor     ecx, ecx
        xor     edx, edx
        xsetbv
.done:
        ret

load_fpu:
        lea     rsi, [case.fpu]
        lea     rdi, [fpu_area]
        mov     ecx, FPU_SIZE
        rep     movsb
        cmp     byte [has_xsave], 0
        je      .legacy
        xor     ecx, ecx
        xgetbv
        and     [fpu_area + 512], eax
        xrstor64 [fpu_area]
        ret
.legacy:
        fxrstor64 [fpu_area]
        ret

save_fpu:
        lea     rdi, [fpu_area]
        xor     eax, eax
        mov     ecx, FPU_SIZE / 4
        rep     stosd
        cmp     byte [has_xsave], 0
        je      .legacy
        mov     eax, 7
        xor     edx, edx
        xsave64 [fpu_area]
        ret
.legacy:
        fxsave64 [fpu_area]
        ret

; ---------------------------------------------------------------- what became of it
; SHOW "name ", value: a line
%macro SHOW 2
        PRINT   %1
        mov     rax, %2
        call    put_hex
        PRINT   10
%endmacro

report:
        SHOW    'vector ', [exception.vector]
        SHOW    'error ', [exception.error]
        SHOW    'cr2 ', [exception.cr2]
        mov     rax, [exception.rip]
        cmp     byte [exception.vector], 3
        jne     .rip
        dec     rax                     ; the trap is behind the INT3
.rip:
        mov     [exception.rip], rax
        SHOW    'rip ', [exception.rip]
        SHOW    'rflags ', [exception.rflags]
        SHOW    'rax ', [registers]
        SHOW    'rcx ', [registers + 8]
        SHOW    'rdx ', [registers + 16]
        SHOW    'rbx ', [registers + 24]
        SHOW    'rsp ', [registers + 32]
        SHOW    'rbp ', [registers + 40]
        SHOW    'rsi ', [registers + 48]
        SHOW    'rdi ', [registers + 56]
        SHOW    'r8 ', [registers + 64]
        SHOW    'r9 ', [registers + 72]
        SHOW    'r10 ', [registers + 80]
        SHOW    'r11 ', [registers + 88]
        SHOW    'r12 ', [registers + 96]
        SHOW    'r13 ', [registers + 104]
        SHOW    'r14 ', [registers + 112]
        SHOW    'r15 ', [registers + 120]
        SHOW    'fsbase ', [fs_after]
        SHOW    'gsbase ', [gs_after]
        test    byte [case.flags], WITH_FPU
        jz      .memory
        ; FCW, FSW, tags, MXCSR in their places, the registers in theirs: the image in words, zeros left out
        PRINT   'xsave image', 10
        xor     ebx, ebx
.image:
        lea     rdx, [fpu_area]
        mov     rax, [rdx + rbx]
        test    rax, rax
        jz      .next
        mov     rcx, rax
        mov     eax, ebx
        call    put_decimal
        PRINT   ' '
        mov     rax, rcx
        call    put_hex
        PRINT   10
.next:
        add     ebx, 8
        cmp     ebx, FPU_SIZE
        jb      .image
.memory:
        PRINT   'memory that has changed', 10
        xor     ebx, ebx
.word:
        lea     rdx, [data_pages]
        mov     rax, [rdx + rbx]
        lea     rdx, [base_pages]
        cmp     rax, [rdx + rbx]
        je      .same
        mov     rcx, rax
        lea     eax, [rbx + DATA_BASE]
        call    put_hex
        PRINT   ' '
        mov     rax, rcx
        call    put_hex
        PRINT   10
.same:
        add     ebx, 8
        cmp     ebx, PAGES_SIZE
        jb      .word
        xor     eax, eax
        jmp     exit

        IMAGE_END
