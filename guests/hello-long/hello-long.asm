; Long mode: prints one line on the UART and ends with debug-exit value 0. The mode switch is in longmode.inc.

%include "multiboot.inc"
%include "longmode.inc"
%include "serial.inc"

main:
        mov     ecx, MSR_EFER
        rdmsr
        test    eax, 0x400              ; EFER.LMA: the CPU itself says that it is there
        jz      .not_long
        PRINT   'Hello from long mode', 10
        xor     eax, eax
        ret
.not_long:
        PRINT   'EFER.LMA is clear', 10
        mov     eax, 1
        ret

        IMAGE_END
