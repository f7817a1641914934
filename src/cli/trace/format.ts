// A trace as text, a line an entry, or as Chrome's trace events ("Trace Event Format", in JSON object form), which
// Perfetto and chrome://tracing open.

import type { TracedExit } from '../../vmm/exit-trace.js';
import { answerWords, detailWords, hexWord } from './words.js';

/** One instruction that is about to run. */
export interface TracedInstruction {
  readonly vcpu: number;
  readonly retired: number;
  /** performance.now(). */
  readonly time: number;
  /** Linear. */
  readonly address: bigint;
  readonly bits: 16 | 32 | 64;
  readonly bytes: Uint8Array;
  readonly text: string;
}

export interface TraceFormat {
  /** Before the first entry and behind the last. */
  readonly opening: string;
  readonly closing: string;
  exit: (exit: TracedExit) => string;
  instruction: (instruction: TracedInstruction) => string;
  /** Something else to know, at a moment of performance.now(). */
  note: (text: string, time: number) => string;
}

export const FORMATS = ['text', 'chrome'] as const;
export type FormatName = (typeof FORMATS)[number];

/** `start` is the performance.now() that times are told from. */
export function traceFormat(name: FormatName, start: number): TraceFormat {
  return name === 'chrome' ? chromeFormat(start) : textFormat(start);
}

function textFormat(start: number): TraceFormat {
  const seconds = (time: number): string => ((time - start) / 1000).toFixed(6).padStart(11);
  return {
    opening: '',
    closing: '',
    exit: (exit) => {
      const { time, duration, retired, reason, rip } = exit;
      const words = [
        `${seconds(time)} ${String(retired).padStart(10)} ${reason.padEnd(16)} rip ${hexWord(rip)}`,
        detailWords(exit),
        `[${answerWords(exit)}, ${Math.round(duration * 1e6)} ns]`,
      ];
      return `${words.filter((word) => word !== '').join('  ')}\n`;
    },
    instruction: ({ time, retired, address, bits, bytes, text }) => {
      const where = address.toString(16).padStart(bits === 64 ? 16 : 8, '0');
      const raw = Buffer.from(bytes).toString('hex').padEnd(30);
      return `${seconds(time)} ${String(retired).padStart(10)} ${where}  ${raw}  ${text}\n`;
    },
    note: (text, time) => `${seconds(time)} ${' '.repeat(10)} -- ${text}\n`,
  };
}

const PROCESS = 1;

function chromeFormat(start: number): TraceFormat {
  const event = (fields: object): string => `,\n${JSON.stringify({ pid: PROCESS, ...fields })}`;
  /** Microseconds with the parts that the clock has. */
  const micros = (ms: number): number => Math.round(ms * 1e6) / 1000;
  const name = { ph: 'M', pid: PROCESS, tid: 0, name: 'process_name', args: { name: 'doorbell' } };
  return {
    opening: `{"displayTimeUnit":"ns","traceEvents":[\n${JSON.stringify(name)}`,
    closing: '\n]}\n',
    exit: (exit) => {
      const { vcpu, reason, rip, retired, time, duration, accesses, decodes, walks, answer } = exit;
      const [first] = accesses;
      const args = {
        rip: hexWord(rip),
        what: detailWords(exit),
        ...(first === undefined ? {} : { [first.space]: hexWord(first.address) }),
        ...(first?.data === undefined ? {} : { data: hexWord(first.data) }),
        answer,
        decodes,
        walks,
        retired,
      };
      return event({
        ph: 'X',
        tid: vcpu,
        cat: 'exit',
        name: reason,
        ts: micros(time - start),
        dur: micros(duration),
        args,
      });
    },
    instruction: ({ vcpu, retired, time, address, bytes, text }) => {
      const args = { address: hexWord(address), bytes: Buffer.from(bytes).toString('hex'), retired };
      return event({ ph: 'i', s: 't', tid: vcpu, cat: 'instruction', name: text, ts: micros(time - start), args });
    },
    note: (text, time) => event({ ph: 'i', s: 'g', tid: 0, cat: 'note', name: text, ts: micros(time - start) }),
  };
}
