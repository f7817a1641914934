; Breaks (and keeps) the promise of a PvMmio doorbell in every way, and checks what the guest can see: registers, flags, RSP,
; exceptions, and that execution goes on at the next instruction.
;
; The host registers an eventfd at guest-physical 0xFE001030, length 2, wildcard, PvMmio. Everything else on the page is
; unclaimed and must read as all ones. Each case prints `name ok`, `name ok 0xV` (reads), `name FAIL what got 0xV want 0xW` or
; `name skipped why` once it is done, so that a host can read its counter between two lines; the exit value is the number of
; failures.
;
; The comment behind each END_CASE is the table of signals: how often a host that takes no short cut signals the eventfd, by
; these rules: an access matches if its address and its length are the registered ones, whatever its value; reads never match;
; string instructions access element by element; a read-modify-write ends in an ordinary write; what crosses a page is two
; accesses; the linear address does not matter. guests/build.sh writes expected.json from these comments.

%include "multiboot.inc"
%include "longmode.inc"
%include "serial.inc"
%include "idt.inc"
%include "check.inc"
%include "pages.inc"

%define PAGE            0xFE001000
%define BELL            (PAGE + 0x30)
%define R10_KEPT        0x1010
%define R15_KEPT        0x1515
%define RBP_KEPT        0x7777

; CASE: every case starts with RDI = the doorbell, AX = 0xFA, and three registers that nothing may touch.
%macro CASE 0
        mov     edi, BELL
        mov     eax, 0xFA
        mov     r10d, R10_KEPT
        mov     r15d, R15_KEPT
        mov     ebp, RBP_KEPT
%endmacro

; STORED instruction: it changes no flag and no bystander.
%macro STORED 1+
        stc
        %1
        FLAGS   1, 1
        EXPECT  'r10', r10, R10_KEPT
        EXPECT  'r15', r15, R15_KEPT
        EXPECT  'rbp', rbp, RBP_KEPT
%endmacro

; FLAGS mask, wanted
%macro FLAGS 2
        pushfq
        and     qword [rsp], %1
        pop     qword [seen_flags]
        EXPECT  'flags', [seen_flags], %2
%endmacro

; WANT constant: 64 bits of it, for EXPECT ..., [wanted]; clobbers RDX
%macro WANT 1
        mov     rdx, %1
        mov     [wanted], rdx
%endmacro

main:
        call    idt_install
        call    pages_install
        mov     al, 0xFF                        ; no interrupt is to come while a case has IF set
        out     0x21, al
        out     0xA1, al

; --- the promise kept
        CASE
        STORED  mov [rdi], ax
        END_CASE 'store-16'                     ; 1: a plain two-byte store: the promise kept
        CASE
        STORED  mov word [rdi], 0xFA
        END_CASE 'store-16-immediate'           ; 1: the value is an immediate
        CASE
        STORED  mov [abs qword BELL], ax
        END_CASE 'store-16-absolute'            ; 1: MOV moffs16, AX with a 64-bit address
        CASE
        STORED  mov [edi], ax
        END_CASE 'store-16-address-32'          ; 1: address-size prefix
        CASE
        mov     ecx, 0xC0000100
        mov     eax, PAGE
        xor     edx, edx
        wrmsr
        STORED  mov [fs:0x30], ax
        END_CASE 'store-16-segment-base'        ; 1: through the FS base
        CASE
        STORED  db 0xF3, 0x66, 0x89, 0x07
        END_CASE 'store-16-redundant-prefixes'  ; 1: REP on a MOV is ignored
        CASE
        STORED  db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x89, 0x07
        END_CASE 'store-16-longest'             ; 1: 15 bytes, 13 of them prefixes: RIP moves by all of them
        CASE
        STORED  mov [rdi], ds
        END_CASE 'store-16-segment-register'    ; 1: MOV m16, DS writes two bytes whatever the operand size
        CASE
        STORED  smsw [rdi]
        END_CASE 'store-16-smsw'                ; 1: SMSW m16
        CASE
        STORED  sldt [rdi]
        END_CASE 'store-16-sldt'                ; 1: SLDT m16
        CASE
        STORED  stosw
        EXPECT  'rdi', rdi, BELL + 2
        END_CASE 'store-16-stosw'               ; 1: one STOSW; RDI moves by 2
        CASE
        mov     dword [code_pages + 4095], 0xC3078966 ; mov [rdi], ax; ret
        mov     ebx, code_pages + 4095
        STORED  call rbx
        END_CASE 'store-16-code-crossing'       ; 1: the instruction itself lies on two pages
        CASE
        mov     ecx, 1000
.loop:
        mov     [rdi], ax
        dec     ecx
        jnz     .loop
        EXPECT  'rcx', rcx, 0
        END_CASE 'store-16-loop'                ; 1000: one per iteration

; --- the wrong width, the wrong place
        CASE
        STORED  mov [rdi], al
        END_CASE 'store-8'                      ; 0: length 1
        CASE
        STORED  mov [rdi], eax
        END_CASE 'store-32'                     ; 0: length 4
        CASE
        STORED  mov [rdi], rax
        END_CASE 'store-64'                     ; 0: length 8
        CASE
        STORED  setnz [rdi]
        END_CASE 'store-setcc'                  ; 0: SETcc writes one byte
        CASE
        STORED  movnti [rdi], eax
        END_CASE 'store-movnti'                 ; 0: MOVNTI writes four bytes
        CASE
        STORED  mov [rdi - 1], ax
        END_CASE 'store-16-before'              ; 0: begins one byte before
        CASE
        STORED  mov [rdi + 1], ax
        END_CASE 'store-16-behind'              ; 0: begins one byte behind
        CASE
        STORED  mov [rdi - 2], eax
        END_CASE 'store-32-over'                ; 0: begins two bytes before and covers it

; --- reads: no eventfd answers one, and unclaimed memory reads as all ones
        CASE
        mov     rax, 0x1122334455667788
        STORED  mov al, [rdi]
        WANT    0x11223344556677FF
        EXPECT  'rax', rax, [wanted]
        END_READ 'read-8', rax                  ; 0: AL = 0xFF, the rest of RAX stays
        CASE
        mov     rax, 0x1122334455667788
        STORED  mov ax, [rdi]
        WANT    0x112233445566FFFF
        EXPECT  'rax', rax, [wanted]
        END_READ 'read-16', rax                 ; 0: AX = 0xFFFF, the rest of RAX stays
        CASE
        mov     rax, 0x1122334455667788
        STORED  mov eax, [rdi]
        WANT    0xFFFFFFFF
        EXPECT  'rax', rax, [wanted]
        END_READ 'read-32', rax                 ; 0: zero-extends
        CASE
        xor     eax, eax
        STORED  mov rax, [rdi]
        EXPECT  'rax', rax, -1
        END_READ 'read-64', rax                 ; 0: all of RAX
        CASE
        mov     rcx, -1
        STORED  movzx ecx, word [rdi]
        EXPECT  'rcx', rcx, 0xFFFF
        END_READ 'read-movzx', rcx              ; 0: MOVZX
        CASE
        xor     ecx, ecx
        STORED  movsx rcx, word [rdi]
        EXPECT  'rcx', rcx, -1
        END_READ 'read-movsx', rcx              ; 0: MOVSX
        CASE
        cmp     word [rdi], -1
        FLAGS   0x40, 0x40
        END_CASE 'read-cmp'                     ; 0: CMP only reads; equal to 0xFFFF: ZF
        CASE
        test    word [rdi], 0x8000
        FLAGS   0xC0, 0x80
        END_CASE 'read-test'                    ; 0: TEST only reads
        CASE
        mov     rsi, rdi
        xor     eax, eax
        STORED  lodsw
        EXPECT  'rsi', rsi, BELL + 2
        EXPECT  'rax', rax, 0xFFFF
        END_READ 'read-lodsw', rax              ; 0: AX = 0xFFFF, RSI moves by 2
        CASE
        mov     eax, 0xFFFF
        scasw
        FLAGS   0x40, 0x40
        EXPECT  'rdi', rdi, BELL + 2
        END_CASE 'read-scasw'                   ; 0: AX = 0xFFFF is found: ZF
        CASE
        mov     eax, 2
        add     ax, [rdi]
        FLAGS   1, 1
        EXPECT  'rax', rax, 1
        END_READ 'read-operand', rax            ; 0: ADD AX, m16: 2 + 0xFFFF = 1 and carry

; --- read-modify-write: the read finds all ones, then the write is a write like any other
        CASE
        mov     ecx, 1
        add     [rdi], cx
        FLAGS   0x8D5, 0x55
        END_CASE 'rmw-add'                      ; 1: 0xFFFF + 1 = 0: CF, ZF, AF, PF
        CASE
        mov     ecx, 1
        or      [rdi], cx
        FLAGS   0x8C5, 0x84
        END_CASE 'rmw-or'                       ; 1: 0xFFFF: SF, PF
        CASE
        mov     ecx, 1
        add     [rdi], ecx
        FLAGS   0x8D5, 0x55
        END_CASE 'rmw-add-32'                   ; 0: four bytes are read and written
        CASE
        stc
        lock    inc word [rdi]
        FLAGS   0x41, 0x41
        END_CASE 'rmw-lock-inc'                 ; 1: LOCK INC: ZF, CF stays set
        CASE
        stc
        not     word [rdi]
        FLAGS   1, 1
        END_CASE 'rmw-not'                      ; 1: NOT changes no flag
        CASE
        shl     word [rdi], 1
        FLAGS   0x801, 1
        END_CASE 'rmw-shl'                      ; 1: 0xFFFF << 1: CF, OF clear
        CASE
        clc
        bts     word [rdi], 3
        FLAGS   1, 1
        END_CASE 'rmw-bts'                      ; 1: bit 3 was set: CF
        CASE
        clc
        bt      word [rdi], 3
        FLAGS   1, 1
        END_CASE 'rmw-bt'                       ; 0: BT only reads
        CASE
        mov     ecx, 0x55
        STORED  xchg [rdi], cx
        EXPECT  'rcx', rcx, 0xFFFF
        END_READ 'rmw-xchg', rcx                ; 1: the register takes what was read
        CASE
        mov     ecx, 1
        lock    xadd [rdi], cx
        FLAGS   1, 1
        EXPECT  'rcx', rcx, 0xFFFF
        END_READ 'rmw-xadd', rcx                ; 1: the register takes what was read, the flags are those of the sum 0x10000
        CASE
        mov     eax, 0xFFFF
        mov     ecx, 5
        lock    cmpxchg [rdi], cx
        FLAGS   0x40, 0x40
        EXPECT  'rax', rax, 0xFFFF
        END_CASE 'rmw-cmpxchg-equal'            ; 1: AX = 0xFFFF: ZF, the source is written
        CASE
        mov     eax, 1
        mov     ecx, 5
        lock    cmpxchg [rdi], cx
        FLAGS   0x40, 0
        EXPECT  'rax', rax, 0xFFFF
        END_READ 'rmw-cmpxchg-different', rax   ; 1: AX takes 0xFFFF; what was read is written back (SDM vol. 2, CMPXCHG)

; --- strings: element by element
        CASE
        lea     rdi, [rdi - 2]
        mov     ecx, 3
        STORED  rep stosw
        EXPECT  'rcx', rcx, 0
        EXPECT  'rdi', rdi, BELL + 4
        END_CASE 'rep-stosw-over'               ; 1: three elements, the second one at the doorbell
        CASE
        mov     ecx, 4
        STORED  rep stosw
        EXPECT  'rcx', rcx, 0
        EXPECT  'rdi', rdi, BELL + 8
        END_CASE 'rep-stosw-at'                 ; 1: four elements, the first one at the doorbell
        CASE
        lea     rdi, [rdi + 2]
        mov     ecx, 3
        std
        STORED  rep stosw
        cld
        EXPECT  'rcx', rcx, 0
        EXPECT  'rdi', rdi, BELL - 4
        END_CASE 'rep-stosw-down'               ; 1: backwards over it
        CASE
        xor     ecx, ecx
        STORED  rep stosw
        EXPECT  'rdi', rdi, BELL
        END_CASE 'rep-stosw-none'               ; 0: RCX = 0: nothing happens
        CASE
        mov     ecx, 2
        STORED  rep stosb
        EXPECT  'rdi', rdi, BELL + 2
        END_CASE 'rep-stosb'                    ; 0: one byte each
        CASE
        mov     ecx, 2
        STORED  rep stosd
        EXPECT  'rdi', rdi, BELL + 8
        END_CASE 'rep-stosd'                    ; 0: four bytes each
        CASE
        mov     esi, scratch
        STORED  movsw
        EXPECT  'rsi', rsi, scratch + 2
        EXPECT  'rdi', rdi, BELL + 2
        END_CASE 'movsw-in'                     ; 1: one MOVSW from RAM
        CASE
        mov     esi, scratch
        lea     rdi, [rdi - 4]
        mov     ecx, 3
        STORED  rep movsw
        EXPECT  'rcx', rcx, 0
        EXPECT  'rsi', rsi, scratch + 6
        EXPECT  'rdi', rdi, BELL + 2
        END_CASE 'rep-movsw-in'                 ; 1: three elements from RAM, the last one at the doorbell
        CASE
        mov     rsi, rdi
        mov     edi, scratch
        mov     ecx, 3
        mov     qword [scratch], 0
        STORED  rep movsw
        EXPECT  'rcx', rcx, 0
        EXPECT  'rsi', rsi, BELL + 6
        WANT    0xFFFFFFFFFFFF
        mov     rax, [scratch]
        EXPECT  'copied', rax, [wanted]
        END_READ 'rep-movsw-out', rax           ; 0: three elements out of it, into RAM: all ones
        CASE
        mov     rsi, rdi
        STORED  movsw
        EXPECT  'rsi', rsi, BELL + 2
        EXPECT  'rdi', rdi, BELL + 2
        END_CASE 'movsw-to-itself'              ; 1: both operands are the doorbell: one read, one write

; --- the stack pointer points at it
        CASE
        mov     rbx, rsp
        mov     rsp, BELL + 2
        push    ax
        mov     rcx, rsp
        mov     rsp, rbx
        EXPECT  'rsp', rcx, BELL
        END_CASE 'push-16'                      ; 1: PUSH AX: two bytes, RSP - 2
        CASE
        mov     rbx, rsp
        mov     rsp, BELL + 8
        push    rax
        mov     rcx, rsp
        mov     rsp, rbx
        EXPECT  'rsp', rcx, BELL
        END_CASE 'push-64'                      ; 0: PUSH RAX: eight bytes, RSP - 8
        CASE
        xor     eax, eax
        mov     rbx, rsp
        mov     rsp, BELL
        pop     ax
        mov     rcx, rsp
        mov     rsp, rbx
        EXPECT  'rsp', rcx, BELL + 2
        EXPECT  'rax', rax, 0xFFFF
        END_READ 'pop-16', rax                  ; 0: AX = 0xFFFF, RSP + 2
        CASE
        xor     eax, eax
        mov     rbx, rsp
        mov     rsp, BELL
        pop     rax
        mov     rcx, rsp
        mov     rsp, rbx
        EXPECT  'rsp', rcx, BELL + 8
        EXPECT  'rax', rax, -1
        END_READ 'pop-64', rax                  ; 0: RAX = all ones, RSP + 8
        CASE
        mov     rbx, rsp
        push    0x1234
        STORED  pop word [rdi]
        add     rsp, 6
        EXPECT  'rsp', rsp, rbx
        END_CASE 'pop-to-memory'                ; 1: POP m16 from RAM to the doorbell
        CASE
        mov     rbx, rsp
        mov     rsp, BELL + 8
        xor     r8d, r8d
        call    .called
        inc     r8d
.called:
        mov     rcx, rsp
        mov     rsp, rbx
        EXPECT  'rsp', rcx, BELL
        EXPECT  'returned', r8, 0
        END_CASE 'call'                         ; 0: the return address: eight bytes

; --- across pages: two transactions, split at the boundary
        CASE
        mov     edi, PAGE + 0xFFF
        STORED  mov [rdi], ax
        END_CASE 'cross-page-16'                ; 0: one byte each at 0xFE001FFF and 0xFE002000
        CASE
        mov     edi, PAGE + 0xFFE
        STORED  mov [rdi], eax
        END_CASE 'cross-page-32'                ; 0: two bytes each at 0xFE001FFE and 0xFE002000
        CASE
        mov     edi, PAGE - 2
        STORED  mov [rdi], eax
        END_CASE 'cross-into-page'              ; 0: the second half is two bytes at 0xFE001000
        CASE
        MAP     0, scratch + (PTE_P | PTE_W)
        MAP     1, PAGE + (PTE_P | PTE_W)
        mov     word [scratch + 4094], 0
        mov     rdi, TEST_BASE + 4094
        mov     eax, 0x33445566
        STORED  mov [rdi], eax
        movzx   ecx, word [scratch + 4094]
        EXPECT  'ram', rcx, 0x5566
        END_CASE 'cross-ram-to-page'            ; 0: the RAM half is stored, the other is two bytes at 0xFE001000
        CASE
        mov     word [scratch + 4094], 0x7788
        xor     eax, eax
        mov     rdi, TEST_BASE + 4094
        STORED  mov eax, [rdi]
        WANT    0xFFFF7788
        EXPECT  'rax', rax, [wanted]
        END_READ 'cross-read', rax              ; 0: RAM below, all ones above

; --- other linear addresses of the same page
        CASE
        mov     rdi, ALIAS + BELL
        STORED  mov [rdi], ax
        END_CASE 'alias-large'                  ; 1: the same 2 MiB page elsewhere
        CASE
        mov     rdi, TEST_BASE + 4096 + 0x30
        STORED  mov [rdi], ax
        END_CASE 'alias-small'                  ; 1: a 4 KiB page
        CASE
        mov     rdi, TEST_BASE + 4096 + 0x30
        xor     eax, eax
        STORED  mov ax, [rdi]
        EXPECT  'rax', rax, 0xFFFF
        END_READ 'alias-read', rax              ; 0: and a read through it
        CASE
        MAP     1, scratch + (PTE_P | PTE_W)
        mov     word [scratch + 0x30], 0
        mov     rdi, TEST_BASE + 4096 + 0x30
        mov     eax, 0xFA
        STORED  mov [rdi], ax
        movzx   ecx, word [scratch + 0x30]
        EXPECT  'ram', rcx, 0xFA
        END_CASE 'remapped-to-ram'              ; 0: after INVLPG the same linear address is RAM
        CASE
        MAP     1, PAGE + (PTE_P | PTE_W)
        mov     rdi, TEST_BASE + 4096 + 0x30
        STORED  mov [rdi], ax
        movzx   ecx, word [scratch + 0x30]
        EXPECT  'ram', rcx, 0xFA
        END_CASE 'remapped-to-doorbell'         ; 1: and the doorbell again
        CASE
        mov     rax, cr0
        or      eax, CR0_WP
        mov     cr0, rax
        MAP     1, PAGE + PTE_P
        mov     rdi, TEST_BASE + 4096 + 0x30
        TRY     .read_only
        mov     [rdi], ax
.read_only:
        EXPECT  'vector', [exception.vector], 14
        EXPECT  'error', [exception.error], 3
        END_CASE 'read-only-page'               ; 0: #PF with error 3 comes before any bus
        CASE
        MAP     1, PAGE
        mov     rdi, TEST_BASE + 4096 + 0x30
        TRY     .absent
        mov     [rdi], ax
.absent:
        EXPECT  'vector', [exception.vector], 14
        EXPECT  'error', [exception.error], 2
        END_CASE 'absent-page'                  ; 0: #PF with error 2

; --- other code segments, debug traps, interrupt shadows
        CASE
        TRY     .compat_32
        push    SEL_CODE32
        push    .compat_32_at
        retfq
        bits    32
.compat_32_at:
        mov     [dword BELL], ax
        int     0x81
        bits    64
.compat_32:
        EXPECT  'vector', [exception.vector], 0x81
        EXPECT  'rip', [exception.rip], .compat_32_at + 8
        END_CASE 'compat-32'                    ; 1: from a 32-bit code segment
        CASE
        TRY     .compat_16
        push    SEL_CODE16
        push    .compat_16_at - IMAGE_BASE
        retfq
        bits    16
.compat_16_at:
        mov     [dword BELL], ax
        int     0x81
        bits    64
.compat_16:
        EXPECT  'vector', [exception.vector], 0x81
        EXPECT  'rip', [exception.rip], .compat_16_at - IMAGE_BASE + 8
        END_CASE 'compat-16'                    ; 1: from a 16-bit code segment
        CASE
        mov     eax, 0xFFFF0FF0
        mov     dr6, rax
        TRY     .stepped
        pushfq
        or      qword [rsp], 0x100
        popfq
        mov     [rdi], ax
.step_next:
        nop
.stepped:
        EXPECT  'vector', [exception.vector], 1
        EXPECT  'rip', [exception.rip], .step_next
        mov     rax, [exception.dr6]
        and     eax, 0xE00F
        EXPECT  'dr6', rax, 0x4000
        END_CASE 'single-step'                  ; 1: #DB after the store, RIP behind it, DR6.BS
        CASE
        mov     qword [exception.count], 0
        bts     qword [exception.resume_mask], 1
        pushfq
        or      qword [rsp], 0x100
        popfq
        mov     [rdi], ax
        mov     [rdi], ax
        pushfq
        and     qword [rsp], ~0x100
        popfq
        btr     qword [exception.resume_mask], 1
        EXPECT  'count', [exception.count], 5
        END_CASE 'single-step-count'            ; 2: two stores, PUSHF, AND, POPF: five #DB
        CASE
        mov     qword [exception.count], 0
        bts     qword [exception.resume_mask], 1
        mov     ecx, SEL_DATA
        pushfq
        or      qword [rsp], 0x100
        popfq
        mov     ss, ecx
        mov     [rdi], ax
        pushfq
        and     qword [rsp], ~0x100
        popfq
        btr     qword [exception.resume_mask], 1
        EXPECT  'count', [exception.count], 4
        END_CASE 'single-step-mov-ss'           ; 1: MOV SS holds its own trap back: the store, PUSHF, AND, POPF make four
        CASE
        mov     eax, 0xFFFF0FF0
        mov     dr6, rax
        mov     dr0, rdi
        mov     eax, 0x00050401                ; L0, write, two bytes
        mov     dr7, rax
        TRY     .watched
        mov     [rdi], ax
.watch_next:
        nop
.watched:
        mov     eax, 0x400
        mov     dr7, rax
        EXPECT  'vector', [exception.vector], 1
        EXPECT  'rip', [exception.rip], .watch_next
        mov     rax, [exception.dr6]
        and     eax, 0xE00F
        EXPECT  'dr6', rax, 1
        END_CASE 'data-breakpoint'              ; 1: DR0 watches it: #DB after the store, DR6.B0
        CASE
        sti
        mov     [rdi], ax
        pushfq
        pop     rcx
        cli
        and     ecx, 0x200
        EXPECT  'if', rcx, 0x200
        END_CASE 'after-sti'                    ; 1: in the shadow of STI; IF stays set
        CASE
        mov     ecx, SEL_DATA
        mov     ss, ecx
        STORED  mov [rdi], ax
        END_CASE 'after-mov-ss'                 ; 1: in the shadow of MOV SS

; --- instructions that not every CPU has
        mov     eax, 1
        cpuid
        mov     [features_c], ecx
        mov     [features_d], edx
        bt      dword [features_c], 22
        jnc     .no_movbe
        CASE
        STORED  movbe [rdi], ax
        END_CASE 'movbe-store'                  ; 1: MOVBE m16, r16 (skipped without MOVBE: 0)
        CASE
        xor     eax, eax
        STORED  movbe ax, [rdi]
        EXPECT  'rax', rax, 0xFFFF
        END_READ 'movbe-load', rax              ; 0: MOVBE r16, m16 (skipped without MOVBE)
        jmp     .fpu
.no_movbe:
        SKIP_CASE 'movbe-store', 'not in CPUID'
        SKIP_CASE 'movbe-load', 'not in CPUID'
.fpu:
        bt      dword [features_d], 0
        jnc     .no_fpu
        CASE
        STORED  fnstcw [rdi]
        END_CASE 'fnstcw'                       ; 1: FNSTCW m16 (skipped without an FPU: 0)
        jmp     .end
.no_fpu:
        SKIP_CASE 'fnstcw', 'not in CPUID'
.end:
        mov     eax, [failures]
        ret

        section .bss
        alignb  8
wanted:         resq 1
seen_flags:     resq 1
features_c:     resd 1
features_d:     resd 1
        alignb  4096
code_pages:     resb 8192
scratch:        resb 4096

        IMAGE_END
