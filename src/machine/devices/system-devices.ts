// The devices that every PC has beside its interrupt controllers, in their places: clocks, power management, reset ports,
// keyboard controller.

import type { IoDevice } from '../../bus/device.js';
import type { CmosContents } from './clock/cmos-memory.js';
import { Hpet, HPET_ADDRESS, HPET_SIZE } from './clock/hpet.js';
import { Pit8254, PIT_PORT, PIT_PORTS } from './clock/pit-8254.js';
import { RtcCmos, RTC_PORT, RTC_PORTS } from './clock/rtc-cmos.js';
import { SYSTEM_PORT, SystemPort } from './clock/system-port.js';
import type { Board } from './device.js';
import { I8042, I8042_COMMAND_PORT, I8042_DATA_PORT } from './i8042/i8042.js';
import { A20Gate } from './power/a20-gate.js';
import { AcpiPm } from './power/acpi-pm.js';
import { Piix4Pm, PIIX4_PM_FUNCTION, PIIX4_PM_SLOT } from './power/piix4-pm.js';
import { RESET_PORT, ResetControl, SYSTEM_CONTROL_PORT, SystemControl } from './power/reset-ports.js';
import { SMI_COMMAND_PORT, SMI_COMMAND_PORTS, SmiCommand } from './power/smi-command.js';

export interface SystemDevicesOptions {
  /** Seconds since the epoch at power-on, as the guest's clock is to show them. */
  start: number;
  contents: CmosContents;
  powerOff: () => void;
  resetMachine: () => void;
  timerBits?: 24 | 32;
}

export interface SystemDevices {
  readonly pit: Pit8254;
  readonly rtc: RtcCmos;
  readonly hpet: Hpet;
  readonly pm: AcpiPm;
  /** Its registers are decoded after place(), which is the firmware's to call. */
  readonly piix4: Piix4Pm;
  readonly i8042: I8042;
  /** All of them after power-on; functions of the PCI bus are reset by the bus. */
  reset(): void;
}

/** Makes them and claims their addresses. The bridge to ISA should be in its slot already, whose function 3 they take. */
export function plugSystemDevices(board: Board, options: SystemDevicesOptions): SystemDevices {
  const { vm, lines, time } = board;
  const { start, contents, powerOff, resetMachine, timerBits = 24 } = options;
  const gate = new A20Gate();
  const pit = new Pit8254({ lines, time });
  const rtc = new RtcCmos({ lines, time, start, contents });
  const legacyReplacement = (on: boolean): void => {
    pit.connected = !on;
    rtc.connected = !on;
  };
  const hpet = new Hpet({ lines, time, legacyReplacement });
  const pm = new AcpiPm({ lines, time, powerOff, timerBits });
  const piix4 = new Piix4Pm(board, pm);
  const i8042 = new I8042({ lines, time, gate, resetMachine });
  const port = new SystemPort(pit, time);
  const smi = new SmiCommand(pm);
  const resetControl = new ResetControl(resetMachine);
  const systemControl = new SystemControl(gate, resetMachine);

  const claim = (addr: number, len: number, device: IoDevice): void =>
    void vm.pio.claim({ addr: BigInt(addr), len, device });
  claim(PIT_PORT, PIT_PORTS, pit);
  claim(SYSTEM_PORT, 1, port);
  claim(RTC_PORT, RTC_PORTS, rtc);
  claim(I8042_DATA_PORT, 1, i8042.dataPort);
  claim(I8042_COMMAND_PORT, 1, i8042.commandPort);
  claim(SYSTEM_CONTROL_PORT, 1, systemControl);
  claim(SMI_COMMAND_PORT, SMI_COMMAND_PORTS, smi);
  claim(RESET_PORT, 1, resetControl);
  vm.mmio.claim({ addr: BigInt(HPET_ADDRESS), len: HPET_SIZE, device: hpet });
  board.pci.plug(piix4, PIIX4_PM_SLOT, PIIX4_PM_FUNCTION);

  // The HPET first: it gives PIT and RTC their interrupts back.
  const all = [hpet, pit, port, rtc, smi, resetControl, systemControl, i8042];
  return { pit, rtc, hpet, pm, piix4, i8042, reset: () => all.forEach((device) => device.reset()) };
}
