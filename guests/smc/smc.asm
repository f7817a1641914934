; Self-modifying code. Every case prints `name ok` or `name FAIL ...`; the exit value is the number of failures.
;
; A CPU notices a store into code by its physical address, at the latest at the next jump when both went through the same
; linear address (SDM vol. 3, 12.6 "Self-modifying code"); no x86 since the P6 needs even that. Where code is written
; through another linear address the manual asks for a serialising instruction: those cases have a CPUID.

%include "multiboot.inc"
%include "longmode.inc"
%include "serial.inc"
%include "check.inc"
%include "pages.inc"

%macro SERIALISE 0                      ; clobbers EAX, EBX, ECX, EDX
        xor     eax, eax
        cpuid
%endmacro

; WRITE_RETURN address, value: there, `mov eax, value; ret`
%macro WRITE_RETURN 2
        mov     byte [%1], 0xB8
        mov     dword [%1 + 1], %2
        mov     byte [%1 + 5], 0xC3
%endmacro

main:
        call    pages_install

; The immediate of the very next instruction.
        mov     dword [.next_imm + 1], 0x222
.next_imm:
        mov     eax, 0x111
        EXPECT  'eax', rax, 0x222
        END_CASE 'next-instruction'

; Two instructions ahead in the same basic block, the opcode this time: ADD becomes SUB.
        mov     eax, 100
        mov     byte [.opcode], 0x2D
        nop
        nop
.opcode:
        add     eax, strict dword 30
        EXPECT  'eax', rax, 70
        END_CASE 'same-block-opcode'

; An instruction of a running loop changes on each iteration: 1 + 2 + ... + 10.
        xor     eax, eax
        mov     ecx, 10
.loop:
.loop_add:
        add     eax, strict dword 1
        inc     byte [.loop_add + 1]
        dec     ecx
        jnz     .loop
        EXPECT  'eax', rax, 55
        END_CASE 'loop'

; The loop's own backward branch is patched into a forward one: the loop ends early.
        xor     eax, eax
        mov     ecx, 1000
.branch_loop:
        inc     eax
        cmp     eax, 5
        jne     .branch
        mov     byte [.branch + 1], .branch_out - (.branch + 2)
.branch:
        jmp     short .branch_loop
.branch_out:
        EXPECT  'eax', rax, 5
        END_CASE 'loop-branch'

; A block that was run and linked to changes behind the caller's back.
        call    subroutine
        EXPECT  'first', rax, 1
        mov     dword [subroutine.inner + 1], 2
        call    subroutine
        EXPECT  'second', rax, 2
        END_CASE 'successor-block'

; Shorter instructions become a longer one: five one-byte NOPs turn into MOV EAX, imm32.
        mov     ecx, 2
.lengths:
        xor     eax, eax
.nops:
        times   5 nop
        push    rax
        mov     byte [.nops], 0xB8
        mov     dword [.nops + 1], 0x01020304
        pop     rax
        dec     ecx
        jnz     .lengths
        EXPECT  'eax', rax, 0x01020304
        END_CASE 'instruction-boundaries'

; One instruction on two pages; only bytes of the second page change.
        WRITE_RETURN code_pages + 4096 - 3, 0x11111111
        call    code_pages + 4096 - 3
        EXPECT  'first', rax, 0x11111111
        mov     word [code_pages + 4096], 0x2222        ; upper half of the immediate
        call    code_pages + 4096 - 3
        EXPECT  'second', rax, 0x22221111
        mov     byte [code_pages + 4095], 0x33          ; and one of the first page
        call    code_pages + 4096 - 3
        EXPECT  'third', rax, 0x22223311
        END_CASE 'straddling-instruction'

; A store that lies on both pages itself.
        mov     dword [code_pages + 4096 - 2], 0x44556677
        call    code_pages + 4096 - 3
        EXPECT  'eax', rax, 0x44556677
        END_CASE 'straddling-store'

; Code on the second page only, changed by a store that begins on the first.
        WRITE_RETURN code_pages + 4096, 0x11111111
        call    code_pages + 4096
        EXPECT  'first', rax, 0x11111111
        mov     dword [code_pages + 4096 - 1], 0x0055B800 ; 00 | B8 55 00
        call    code_pages + 4096
        EXPECT  'second', rax, 0x11110055
        END_CASE 'store-from-previous-page'

; Written through an alias, run at its own address; and the other way round.
        WRITE_RETURN code_pages + 64, 1
        call    code_pages + 64
        EXPECT  'first', rax, 1
        mov     rdi, ALIAS + code_pages + 64
        mov     dword [rdi + 1], 2
        SERIALISE
        call    code_pages + 64
        EXPECT  'second', rax, 2
        END_CASE 'alias-write'

        mov     rdi, ALIAS + code_pages + 64
        call    rdi
        EXPECT  'first', rax, 2
        mov     dword [code_pages + 64 + 1], 3
        SERIALISE
        mov     rdi, ALIAS + code_pages + 64
        call    rdi
        EXPECT  'second', rax, 3
        END_CASE 'alias-run'

; REP MOVSB over a function; then over the instruction that follows the REP MOVSB itself.
        WRITE_RETURN code_pages + 128, 1
        call    code_pages + 128
        EXPECT  'first', rax, 1
        lea     rsi, [return_seven]
        lea     rdi, [code_pages + 128]
        mov     ecx, return_seven_end - return_seven
        rep     movsb
        call    code_pages + 128
        EXPECT  'second', rax, 7
        EXPECT  'rcx', rcx, 0
        END_CASE 'rep-movsb'

        lea     rsi, [return_seven]
        lea     rdi, [.after_movsb]
        mov     ecx, 5
        rep     movsb
.after_movsb:
        mov     eax, 6
        EXPECT  'eax', rax, 7
        END_CASE 'rep-movsb-next-instruction'

        WRITE_RETURN code_pages + 192, 1
        call    code_pages + 192
        lea     rdi, [code_pages + 193]
        mov     eax, 0x5A
        mov     ecx, 4
        rep     stosb
        call    code_pages + 192
        EXPECT  'eax', rax, 0x5A5A5A5A
        END_CASE 'rep-stosb'

; Other ways to write memory: PUSH, XCHG, LOCK CMPXCHG, a read-modify-write, NOT.
        WRITE_RETURN code_pages + 256, 1
        call    code_pages + 256
        mov     rbx, rsp
        lea     rsp, [code_pages + 264]
        mov     rax, 0x9090C300000009B8                 ; mov eax, 9; ret
        push    rax
        mov     rsp, rbx
        call    code_pages + 256
        EXPECT  'eax', rax, 9
        END_CASE 'push'

        mov     ecx, 10
        xchg    [code_pages + 257], ecx
        call    code_pages + 256
        EXPECT  'eax', rax, 10
        EXPECT  'ecx', rcx, 9
        END_CASE 'xchg'

        mov     eax, 10
        mov     ecx, 11
        lock cmpxchg [code_pages + 257], ecx
        call    code_pages + 256
        EXPECT  'eax', rax, 11
        END_CASE 'lock-cmpxchg'

        add     dword [code_pages + 257], 5
        call    code_pages + 256
        EXPECT  'eax', rax, 16
        END_CASE 'read-modify-write'

; Data beside code on one page: the code stays as it is, and so do the data.
        xor     r8d, r8d
        mov     ecx, 100
.neighbours:
        inc     dword [code_pages + 320]
        mov     [code_pages + 252], ecx
        call    code_pages + 256
        add     r8, rax
        dec     ecx
        jnz     .neighbours
        EXPECT  'sum', r8, 1600
        mov     eax, [code_pages + 320]
        EXPECT  'counter', rax, 100
        mov     eax, [code_pages + 252]
        EXPECT  'neighbour', rax, 1
        END_CASE 'data-beside-code'

; A store of the same bytes changes nothing.
        mov     ecx, 100
        xor     r8d, r8d
.same:
        mov     dword [code_pages + 257], 16
        call    code_pages + 256
        add     r8, rax
        dec     ecx
        jnz     .same
        EXPECT  'sum', r8, 1600
        END_CASE 'same-bytes'

; A code generator: a fresh function in the same place, 200 times. 0 + 1 + ... + 199.
        xor     ecx, ecx
        xor     r8d, r8d
.generate:
        mov     byte [code_pages + 512], 0xB8
        mov     [code_pages + 513], ecx
        mov     byte [code_pages + 517], 0xC3
        call    code_pages + 512
        add     r8, rax
        inc     ecx
        cmp     ecx, 200
        jb      .generate
        EXPECT  'sum', r8, 19900
        END_CASE 'code-generator'

; Another physical page under the same linear address: not a byte of code was written.
        WRITE_RETURN code_pages, 0x51
        WRITE_RETURN code_pages + 8192, 0x52
        MAP     0, code_pages + (PTE_P | PTE_W)
        mov     rdi, TEST_BASE
        call    rdi
        EXPECT  'first', rax, 0x51
        MAP     0, code_pages + 8192 + (PTE_P | PTE_W)
        call    rdi
        EXPECT  'second', rax, 0x52
        MAP     0, code_pages + (PTE_P | PTE_W)
        call    rdi
        EXPECT  'third', rax, 0x51
        END_CASE 'remap'

; One instruction whose two halves are on linear neighbours that are not physical neighbours, the second remapped.
        WRITE_RETURN code_pages + 8192 - 3, 0x12345678          ; B8 78 56 | 34 12 C3
        mov     word [code_pages], 0xCDAB
        mov     byte [code_pages + 2], 0xC3                     ; AB CD C3
        MAP     0, code_pages + 4096 + (PTE_P | PTE_W)
        MAP     1, code_pages + 8192 + (PTE_P | PTE_W)
        lea     rsi, [rdi + 4096 - 3]
        call    rsi
        EXPECT  'first', rax, 0x12345678
        MAP     1, code_pages + (PTE_P | PTE_W)
        call    rsi
        EXPECT  'second', rax, 0xCDAB5678
        mov     byte [code_pages + 1], 0xEE
        call    rsi
        EXPECT  'third', rax, 0xEEAB5678
        END_CASE 'remap-second-half'

        mov     eax, [failures]
        ret

subroutine:
        jmp     .inner
        align   64
.inner:
        mov     eax, 1
        ret

return_seven:
        mov     eax, 7
        ret
return_seven_end:

        section .bss
        alignb  4096
code_pages:     resb 3 * 4096

        IMAGE_END
