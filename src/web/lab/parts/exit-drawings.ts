// Where things stand in the drawing of the exit path: one for wide panels, one for phones. What they mean is in exit-path.tsx.

import type { Edge } from './flow.js';

/** Boxes whose words depend on the paging mode have none here. */
export interface Box {
  readonly id: string;
  readonly at: readonly [x: number, y: number, width: number, height: number];
  readonly lines?: readonly string[];
}

export interface Line {
  /** Without: something that happens inside the guest, and is not counted. */
  readonly edge?: Edge;
  readonly path: string;
  /** No head at its end: it joins another line. */
  readonly joins?: true;
}

export interface Label {
  readonly edge: Edge;
  readonly at: readonly [x: number, y: number];
  readonly end?: true;
  /** The exit's name stands above the figures. */
  readonly named?: true;
}

export interface Words {
  readonly at: readonly [x: number, y: number];
  readonly text: string;
  readonly end?: true;
}

export interface Drawing {
  readonly size: readonly [width: number, height: number];
  /** The line between the guest and the hypervisor. */
  readonly border: number;
  /** Where the words for its two sides end. */
  readonly side: number;
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
  readonly labels: readonly Label[];
  readonly words: readonly Words[];
}

export const WIDE: Drawing = {
  size: [960, 538],
  border: 180,
  side: 652,
  boxes: [
    { id: 'store', at: [12, 28, 128, 44], lines: ['guest store'] },
    { id: 'tlb', at: [212, 28, 90, 44], lines: ['TLB'] },
    { id: 'ram', at: [796, 28, 152, 44], lines: ['RAM: done, no exit'] },
    { id: 'guest-walk', at: [346, 108, 104, 40] },
    { id: 'nested-walk', at: [486, 108, 104, 40] },
    { id: 'instructions', at: [640, 108, 308, 40], lines: ['IN, OUT, CPUID, VMCALL, HLT, …'] },
    { id: 'dispatcher', at: [190, 264, 758, 30], lines: ['dispatcher: handlers[exit.reason](exit)'] },
    { id: 'doorbell', at: [190, 344, 124, 44], lines: ['doorbell bus:', 'a doorbell?'] },
    { id: 'signal', at: [42, 339, 118, 54], lines: ['eventfd.signal()', 'rip += length'] },
    { id: 'map', at: [486, 344, 106, 44], lines: ['map the page,', 'try again'] },
    { id: 'io', at: [626, 344, 104, 44], lines: ['I/O bus'] },
    { id: 'cpuid', at: [742, 344, 62, 44], lines: ['answer'] },
    { id: 'vmcall', at: [814, 344, 72, 44], lines: ['hypercall'] },
    { id: 'other', at: [896, 344, 52, 44], lines: ['other'] },
    { id: 'walk', at: [190, 450, 72, 40], lines: ['walk'] },
    { id: 'fetch', at: [284, 450, 72, 40], lines: ['fetch'] },
    { id: 'decode', at: [378, 450, 78, 40], lines: ['decode'] },
    { id: 'evaluate', at: [478, 450, 84, 40], lines: ['evaluate'] },
    { id: 'mmio', at: [584, 450, 92, 40], lines: ['MMIO bus'] },
    { id: 'ioeventfd', at: [744, 422, 104, 26], lines: ['ioeventfd'] },
    { id: 'device', at: [744, 457, 104, 26], lines: ['device'] },
    { id: 'user', at: [744, 492, 104, 26], lines: ['the user'] },
  ],
  lines: [
    { path: 'M140 50H212' },
    { path: 'M302 50H796' },
    { path: 'M280 72V128H346' },
    { path: 'M450 128H486' },
    { path: 'M538 108V50', joins: true },
    { path: 'M510 148V168H240', joins: true },
    { edge: 'marker', path: 'M240 72V264' },
    { edge: 'map', path: 'M566 148V264' },
    { edge: 'io', path: 'M664 148V264' },
    { edge: 'cpuid', path: 'M752 148V264' },
    { edge: 'vmcall', path: 'M824 148V264' },
    { edge: 'other', path: 'M898 148V264' },
    { edge: 'marker', path: 'M240 294V344' },
    { edge: 'map', path: 'M540 294V344' },
    { edge: 'io', path: 'M680 294V344' },
    { edge: 'cpuid', path: 'M773 294V344' },
    { edge: 'vmcall', path: 'M850 294V344' },
    { edge: 'other', path: 'M922 294V344' },
    { edge: 'early', path: 'M190 366H160' },
    { edge: 'early', path: 'M101 339V72' },
    { edge: 'long', path: 'M226 388V450' },
    { edge: 'long', path: 'M262 470H284' },
    { edge: 'long', path: 'M356 470H378' },
    { edge: 'long', path: 'M456 470H478' },
    { edge: 'long', path: 'M562 470H584' },
    { edge: 'long', path: 'M676 470H714', joins: true },
    { edge: 'io', path: 'M714 388V435', joins: true },
    { edge: 'bus', path: 'M714 470V435H744' },
    { edge: 'bus', path: 'M714 470H744' },
    { edge: 'bus', path: 'M714 470V505H744' },
    { edge: 'bus', path: 'M848 435H868V470M848 470H868M848 505H868V470', joins: true },
    { edge: 'bus', path: 'M868 470V528H24V72' },
  ],
  labels: [
    { edge: 'marker', at: [250, 204], named: true },
    { edge: 'map', at: [560, 204], named: true, end: true },
    { edge: 'io', at: [671, 204], named: true },
    { edge: 'cpuid', at: [758, 204], named: true },
    { edge: 'vmcall', at: [830, 204], named: true },
    { edge: 'other', at: [904, 204], named: true },
    { edge: 'early', at: [109, 230] },
    { edge: 'long', at: [258, 420] },
  ],
  words: [
    { at: [312, 44], text: 'hit on RAM' },
    { at: [288, 122], text: 'miss' },
    { at: [544, 88], text: 'RAM: fill the TLB' },
    { at: [316, 163], text: 'MMIO marker; the TLB remembers it' },
    { at: [164, 353], text: 'yes' },
    { at: [236, 420], text: 'no' },
    { at: [44, 522], text: 'rip += length, resume' },
    { at: [109, 215], text: 'resume' },
  ],
};

export const TALL: Drawing = {
  size: [360, 706],
  border: 150,
  side: 328,
  boxes: [
    { id: 'store', at: [2, 10, 96, 40], lines: ['guest store'] },
    { id: 'tlb', at: [136, 10, 84, 40], lines: ['TLB'] },
    { id: 'ram', at: [270, 10, 88, 40], lines: ['RAM: done'] },
    { id: 'guest-walk', at: [172, 78, 82, 36] },
    { id: 'nested-walk', at: [274, 78, 84, 36] },
    { id: 'dispatcher', at: [118, 252, 240, 30], lines: ['dispatcher'] },
    { id: 'doorbell', at: [118, 310, 106, 44], lines: ['doorbell bus:', 'a doorbell?'] },
    { id: 'signal', at: [18, 305, 78, 54], lines: ['signal(),', 'rip += len'] },
    { id: 'map', at: [256, 310, 102, 44], lines: ['map the page,', 'try again'] },
    { id: 'walk', at: [66, 394, 60, 36], lines: ['walk'] },
    { id: 'fetch', at: [140, 394, 60, 36], lines: ['fetch'] },
    { id: 'decode', at: [214, 394, 64, 36], lines: ['decode'] },
    { id: 'evaluate', at: [292, 394, 66, 36], lines: ['evaluate'] },
    { id: 'mmio', at: [270, 456, 88, 36], lines: ['MMIO bus'] },
    { id: 'ioeventfd', at: [66, 450, 92, 26], lines: ['ioeventfd'] },
    { id: 'device', at: [66, 484, 92, 26], lines: ['device'] },
    { id: 'user', at: [66, 518, 92, 26], lines: ['the user'] },
    { id: 'io', at: [238, 578, 120, 26], lines: ['I/O bus'] },
    { id: 'cpuid', at: [238, 610, 120, 26], lines: ['answer'] },
    { id: 'vmcall', at: [238, 642, 120, 26], lines: ['hypercall'] },
    { id: 'other', at: [238, 674, 120, 26], lines: ['HLT and others'] },
  ],
  lines: [
    { path: 'M98 30H136' },
    { path: 'M220 30H270' },
    { path: 'M206 50V78' },
    { path: 'M254 96H274' },
    { path: 'M330 78V50' },
    { path: 'M292 114V134H150', joins: true },
    { edge: 'marker', path: 'M150 50V252' },
    { edge: 'map', path: 'M336 114V252' },
    { edge: 'marker', path: 'M150 282V310' },
    { edge: 'map', path: 'M310 282V310' },
    { edge: 'early', path: 'M118 332H96' },
    { edge: 'early', path: 'M57 305V50' },
    { edge: 'long', path: 'M150 354V374H96V394' },
    { edge: 'long', path: 'M126 412H140' },
    { edge: 'long', path: 'M200 412H214' },
    { edge: 'long', path: 'M278 412H292' },
    { edge: 'long', path: 'M325 430V456' },
    { edge: 'long', path: 'M270 474H214', joins: true },
    { edge: 'bus', path: 'M214 474V463H158' },
    { edge: 'bus', path: 'M214 474V497H158' },
    { edge: 'bus', path: 'M214 497V531H158' },
    { edge: 'bus', path: 'M66 463H46V497M66 497H46M66 531H46V497', joins: true },
    { edge: 'bus', path: 'M46 497H8V50' },
    { edge: 'io', path: 'M70 591H238' },
    { edge: 'cpuid', path: 'M70 623H238' },
    { edge: 'vmcall', path: 'M70 655H238' },
    { edge: 'other', path: 'M70 687H238' },
  ],
  labels: [
    { edge: 'marker', at: [158, 168], named: true },
    { edge: 'map', at: [329, 214], named: true, end: true },
    { edge: 'early', at: [64, 214] },
    { edge: 'long', at: [182, 372] },
    { edge: 'io', at: [76, 585] },
    { edge: 'cpuid', at: [76, 617] },
    { edge: 'vmcall', at: [76, 649] },
    { edge: 'other', at: [76, 681] },
  ],
  words: [
    { at: [226, 24], text: 'hit' },
    { at: [212, 68], text: 'miss' },
    { at: [324, 68], text: 'RAM', end: true },
    { at: [284, 130], text: 'MMIO marker', end: true },
    { at: [97, 301], text: 'yes' },
    { at: [158, 372], text: 'no' },
    { at: [64, 199], text: 'resume' },
    { at: [2, 566], text: 'Other exits, from the dispatcher too:' },
    { at: [2, 596], text: 'IO' },
    { at: [2, 628], text: 'CPUID' },
    { at: [2, 660], text: 'VMCALL' },
    { at: [2, 692], text: 'other' },
  ],
};
