// The PC's chipset around a Vm: interrupt controllers, clocks, power management, PCI with its bridges, disks, and what a
// firmware asks. Everything is always there, as in any PC; a guest that needs none of it pays nothing for it.

import type { IoDevice } from '../bus/device.js';
import type { Vm } from '../vmm/vm.js';
import type { Vcpu } from '../vmm/vcpu.js';
import { checkOptionRom } from './option-rom.js';
import { ioApicId } from './acpi/platform.js';
import { firmwareMtrrs } from '../vmm/msr/mtrr.js';
import { hasEcam } from './memory-map.js';
import { describePc } from './firmware-config.js';
import { HPET_ADDRESS, HPET_SIZE, Hpet } from './devices/clock/hpet.js';
import { PIT_PORT, PIT_PORTS, Pit8254 } from './devices/clock/pit-8254.js';
import { RTC_PORT, RTC_PORTS, RtcCmos } from './devices/clock/rtc-cmos.js';
import { SYSTEM_PORT, SystemPort } from './devices/clock/system-port.js';
import type { Board } from './devices/device.js';
import { FW_CFG_PORT, FW_CFG_PORTS, FwCfg } from './devices/fw-cfg.js';
import { I8042, I8042_COMMAND_PORT, I8042_DATA_PORT } from './devices/i8042/i8042.js';
import { IDE_FUNCTION, IDE_SLOT, IdeController, type DiskOptions } from './devices/ide/ide-controller.js';
import { plugInterruptControllers, type InterruptControllers } from './devices/irq/interrupt-controllers.js';
import { HostBridge } from './devices/pci/host-bridge.js';
import { ISA_BRIDGE_SLOT, IsaBridge } from './devices/pci/isa-bridge.js';
import { PciBus } from './devices/pci/pci-bus.js';
import { A20Gate } from './devices/power/a20-gate.js';
import { AcpiPm } from './devices/power/acpi-pm.js';
import { PIIX4_PM_FUNCTION, PIIX4_PM_SLOT, Piix4Pm } from './devices/power/piix4-pm.js';
import { RESET_PORT, ResetControl, SYSTEM_CONTROL_PORT, SystemControl } from './devices/power/reset-ports.js';
import { SMI_COMMAND_PORT, SMI_COMMAND_PORTS, SmiCommand } from './devices/power/smi-command.js';

const BOOT_FROM_DISK = ['/pci@i0cf8/ide@1,1/drive@0/disk@0'];
/** From where on memory is device's: what a variable MTRR can say up to 4 GiB. */
const FIRST_UNCACHED = [0x8000_0000, 0xc000_0000, 0xe000_0000];
/** ELCR of the second 8259: IRQ 10 and 11 are level-triggered, where the PCI wires are routed. */
const PCI_LEVELS = 0x0c;
export interface PlatformParts {
  readonly vm: Vm;
  /** The bootstrap processor, which the 8259s' INTR leads to. */
  readonly vcpu: Vcpu;
  readonly cpus: number;
  readonly disks: readonly DiskOptions[];
  /** As of IrqFds: signals of other threads are waited for. */
  readonly listen: boolean;
  readonly diskError: ((message: string) => void) | undefined;
  /** The screen's option ROM, for a firmware. */
  readonly vgaRom: Uint8Array | undefined;
  readonly powerOff: () => void;
  readonly resetMachine: () => void;
}

interface Resettable {
  reset(): void;
}

export class Platform {
  readonly interrupts: InterruptControllers;
  readonly pci: PciBus;
  readonly board: Board;
  readonly rtc: RtcCmos;
  readonly keyboard: I8042;
  readonly power: AcpiPm;
  readonly fwCfg: FwCfg;
  readonly #vm: Vm;
  readonly #bridge: IsaBridge;
  readonly #pm: Piix4Pm;
  readonly #resettable: Resettable[] = [];

  constructor({ vm, vcpu, cpus, disks, listen, diskError, vgaRom, powerOff, resetMachine }: PlatformParts) {
    this.#vm = vm;
    const memory = vm.options.memory;
    const { timers: time } = vm;
    this.interrupts = plugInterruptControllers(vm, {
      deliver: (message) => vm.deliverInterrupt(message),
      intr: (level) => vcpu.setInterruptLine(level === 1),
      ioApicId: ioApicId(cpus),
      listen,
    });
    const { chip, pic, ioapic } = this.interrupts;
    vcpu.setInterruptSource(pic);
    this.#resettable.push(pic, ioapic);

    const pit = this.#port(PIT_PORT, PIT_PORTS, new Pit8254({ lines: chip, time }));
    const start = Math.floor(vm.clock.startTime / 1000);
    this.rtc = new RtcCmos({
      lines: chip,
      time,
      start,
      contents: { memory, processors: cpus, bootOrder: disks.length > 0 ? ['disk'] : [] },
    });
    this.#port(RTC_PORT, RTC_PORTS, this.rtc);
    this.#port(SYSTEM_PORT, 1, new SystemPort(pit, time));
    const hpet = new Hpet({
      lines: chip.source(),
      time,
      legacyReplacement: (on) => {
        pit.connected = !on;
        this.rtc.connected = !on;
      },
    });
    vm.mmio.claim({ addr: BigInt(HPET_ADDRESS), len: HPET_SIZE, device: hpet });
    this.#resettable.push(hpet);

    const gate = new A20Gate();
    this.keyboard = new I8042({ lines: chip, time, gate, resetMachine });
    vm.pio.claim({ addr: BigInt(I8042_DATA_PORT), len: 1, device: this.keyboard.dataPort });
    vm.pio.claim({ addr: BigInt(I8042_COMMAND_PORT), len: 1, device: this.keyboard.commandPort });
    this.#resettable.push(this.keyboard, gate);
    this.#port(RESET_PORT, 1, new ResetControl(resetMachine));
    this.#port(SYSTEM_CONTROL_PORT, 1, new SystemControl(gate, resetMachine));
    this.power = new AcpiPm({ lines: chip.source(), time, powerOff });
    this.#port(SMI_COMMAND_PORT, SMI_COMMAND_PORTS, new SmiCommand(this.power));

    const lines = chip.source();
    this.pci = new PciBus(vm.pio, {
      // RAM has precedence where it reaches so far: then there is no ECAM.
      ...(hasEcam(memory) ? { mmio: vm.mmio } : {}),
      lines,
      messages: (lo, hi, data) => void chip.sendMsi(lo, hi, data),
    });
    this.board = { vm, pci: this.pci, lines: chip, time };
    this.pci.plug(new HostBridge(this.board), 0);
    this.#bridge = new IsaBridge(this.board);
    this.pci.plug(this.#bridge, ISA_BRIDGE_SLOT);
    this.pci.plug(
      new IdeController(this.board, { disks, ...(diskError && { report: diskError }) }),
      IDE_SLOT,
      IDE_FUNCTION,
    );
    this.#pm = new Piix4Pm(this.board, this.power);
    this.pci.plug(this.#pm, PIIX4_PM_SLOT, PIIX4_PM_FUNCTION);
    this.#resettable.push(this.pci);

    const bootOrder = disks.length > 0 ? BOOT_FROM_DISK : [];
    const rom = vgaRom && { vgaRom: checkOptionRom(vgaRom) };
    const describe = (fwCfg: FwCfg): void => describePc(fwCfg, { cpus, memory, bootOrder, ...rom });
    this.fwCfg = this.#port(FW_CFG_PORT, FW_CFG_PORTS, new FwCfg({ memory: vm.memory, describe }));
  }

  #port<T extends IoDevice & Resettable>(port: number, length: number, device: T): T {
    this.#vm.pio.claim({ addr: BigInt(port), len: length, device });
    this.#resettable.push(device);
    return device;
  }

  /** What a firmware would have done before it starts a kernel: addresses placed, interrupts routed, caching described. */
  initialise(): void {
    const { options } = this.#vm;
    this.#pm.place();
    this.#bridge.routeInterrupts();
    this.interrupts.pic.elcr.write(1, 1, PCI_LEVELS);
    this.pci.placeBars(options.memory);
    const mtrrs = firmwareMtrrs(
      FIRST_UNCACHED.find((at) => at >= options.memory)!,
      options.cpu.physicalBits,
    );
    for (const vcpu of this.#vm.vcpus) vcpu.setMsrs(mtrrs);
  }

  /** All of it as after power-on; the clock goes on, and what CMOS memory holds stays. */
  reset(): void {
    for (const device of this.#resettable) device.reset();
  }
}
