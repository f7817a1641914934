// Scan codes: what each key sends (IBM PS/2 Hardware Interface Technical Reference, "Keyboard", scan code set 2), by the names
// that KeyboardEvent.code has for keys, and how the controller translates set 2 to set 1.

/** The prefix of keys that the first keyboards did not have. */
export const EXTENDED = 0xe0;
/** The prefix of a key let go, in set 2. */
export const BREAK = 0xf0;

/** Set 2 to set 1, by the code of set 2, for 00h to 7Fh: the controller's table (IBM, "8042 scan code translation"). */
// prettier-ignore
const TRANSLATION = Uint8Array.of(
  0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
  0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
  0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
  0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
  0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
  0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
  0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
  0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
);

/** A byte of set 2 other than the break prefix, in set 1. Above 7Fh only two keys have codes; the rest are answers. */
export function translate(code: number): number {
  if (code < TRANSLATION.length) return TRANSLATION[code]!;
  return code === 0x83 ? 0x41 : code === 0x84 ? 0x54 : code;
}

const DIGITS = [0x45, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46];
// prettier-ignore
const LETTERS = [
  0x1c, 0x32, 0x21, 0x23, 0x24, 0x2b, 0x34, 0x33, 0x43, 0x3b, 0x42, 0x4b, 0x3a,
  0x31, 0x44, 0x4d, 0x15, 0x2d, 0x1b, 0x2c, 0x3c, 0x2a, 0x1d, 0x22, 0x35, 0x1a,
];
const FUNCTIONS = [0x05, 0x06, 0x04, 0x0c, 0x03, 0x0b, 0x83, 0x0a, 0x01, 0x09, 0x78, 0x07];
const NUMPAD = [0x70, 0x69, 0x72, 0x7a, 0x6b, 0x73, 0x74, 0x6c, 0x75, 0x7d];

const PLAIN: Readonly<Record<string, number>> = {
  Backquote: 0x0e,
  Minus: 0x4e,
  Equal: 0x55,
  Backspace: 0x66,
  Tab: 0x0d,
  BracketLeft: 0x54,
  BracketRight: 0x5b,
  Backslash: 0x5d,
  CapsLock: 0x58,
  Semicolon: 0x4c,
  Quote: 0x52,
  Enter: 0x5a,
  ShiftLeft: 0x12,
  IntlBackslash: 0x61,
  Comma: 0x41,
  Period: 0x49,
  Slash: 0x4a,
  ShiftRight: 0x59,
  ControlLeft: 0x14,
  AltLeft: 0x11,
  Space: 0x29,
  Escape: 0x76,
  NumLock: 0x77,
  ScrollLock: 0x7e,
  NumpadDecimal: 0x71,
  NumpadMultiply: 0x7c,
  NumpadSubtract: 0x7b,
  NumpadAdd: 0x79,
};

const PREFIXED: Readonly<Record<string, number>> = {
  AltRight: 0x11,
  ControlRight: 0x14,
  MetaLeft: 0x1f,
  MetaRight: 0x27,
  ContextMenu: 0x2f,
  NumpadDivide: 0x4a,
  NumpadEnter: 0x5a,
  End: 0x69,
  ArrowLeft: 0x6b,
  Home: 0x6c,
  Insert: 0x70,
  Delete: 0x71,
  ArrowDown: 0x72,
  ArrowRight: 0x74,
  ArrowUp: 0x75,
  PageDown: 0x7a,
  PageUp: 0x7d,
};

const KEYS = new Map<string, { code: number; extended: boolean }>();
for (const [name, code] of Object.entries(PLAIN)) KEYS.set(name, { code, extended: false });
for (const [name, code] of Object.entries(PREFIXED)) KEYS.set(name, { code, extended: true });
for (const [digit, code] of DIGITS.entries()) KEYS.set(`Digit${digit}`, { code, extended: false });
for (const [digit, code] of NUMPAD.entries()) KEYS.set(`Numpad${digit}`, { code, extended: false });
for (const [number, code] of FUNCTIONS.entries()) KEYS.set(`F${number + 1}`, { code, extended: false });
for (const [letter, code] of LETTERS.entries()) {
  KEYS.set(`Key${String.fromCharCode(0x41 + letter)}`, { code, extended: false });
}

/** The bytes of set 2 that a key sends when it goes down or up; undefined if the keyboard has no such key. */
export function scanCode(name: string, down: boolean): readonly number[] | undefined {
  const key = KEYS.get(name);
  if (key === undefined) return undefined;
  const bytes = down ? [key.code] : [BREAK, key.code];
  return key.extended ? [EXTENDED, ...bytes] : bytes;
}

/** Characters of the US layout: without and with Shift, and the keys they are on, in the same order. */
const UNSHIFTED = "`1234567890-=[]\\;',./ \n\t\b\x1b";
const SHIFTED = '~!@#$%^&*()_+{}|:"<>?';
const CHARACTER_KEYS =
  'Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal BracketLeft BracketRight Backslash Semicolon Quote Comma Period Slash Space Enter Tab Backspace Escape'.split(
    ' ',
  );

/** The key that a character is on; undefined if the US layout has no such character. */
export function keyOf(character: string): { name: string; shift: boolean } | undefined {
  if (/^[a-z]$/i.test(character)) {
    const upper = character.toUpperCase();
    return { name: `Key${upper}`, shift: upper === character };
  }
  const plain = UNSHIFTED.indexOf(character === '\r' ? '\n' : character);
  if (plain >= 0) return { name: CHARACTER_KEYS[plain]!, shift: false };
  const shifted = SHIFTED.indexOf(character);
  return shifted < 0 ? undefined : { name: CHARACTER_KEYS[shifted]!, shift: true };
}
