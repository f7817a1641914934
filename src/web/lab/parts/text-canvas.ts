// Draws a text screen on a canvas. Characters are drawn once, by the platform's font stretched to the cell, into an atlas, one
// for each colour they are met in; cells are copied from there, and only those that have changed. What blinks is drawn on a
// second canvas above, so that a style sheet lets it blink, or not, without anything being drawn again.

import { TEXT_COLOURS, TEXT_COLUMNS, TEXT_ROWS, type TextScreen } from '../machine/text-screen.js';

const FONT = "'DejaVu Sans Mono', Menlo, Consolas, ui-monospace, monospace";
/** Bit 7 of an attribute. */
const BLINKS = 0x80;
const PER_ROW = 64;
/** Pixels across a cell. */
const SMALLEST = 8;

/** Blocks and shades, which have to fill their cell whatever the font: left, top, right and bottom in halves, and how dense. */
const BLOCKS: Readonly<Record<string, readonly [number, number, number, number, number]>> = {
  '█': [0, 0, 2, 2, 1],
  '▄': [0, 1, 2, 2, 1],
  '▀': [0, 0, 2, 1, 1],
  '▌': [0, 0, 1, 2, 1],
  '▐': [1, 0, 2, 2, 1],
  '░': [0, 0, 2, 2, 0.25],
  '▒': [0, 0, 2, 2, 0.5],
  '▓': [0, 0, 2, 2, 0.75],
};

export class TextCanvas {
  readonly #steady: CanvasRenderingContext2D;
  readonly #blinking: CanvasRenderingContext2D;
  readonly #atlas: CanvasRenderingContext2D;
  readonly #glyphs = new Map<string, number>();
  #width = 0;
  #height = 0;
  #drawn: TextScreen | undefined;

  constructor(steady: HTMLCanvasElement, blinking: HTMLCanvasElement) {
    this.#steady = steady.getContext('2d', { alpha: false })!;
    this.#blinking = blinking.getContext('2d')!;
    this.#atlas = document.createElement('canvas').getContext('2d')!;
  }

  /** Fits the cells to a width in device pixels. Small ones are drawn larger, and made smaller by the browser: they read better. */
  resize(devicePixels: number): void {
    const width = Math.max(SMALLEST, Math.ceil(devicePixels / TEXT_COLUMNS));
    if (width === this.#width) return;
    this.#width = width;
    this.#height = width * 2;
    for (const { canvas } of [this.#steady, this.#blinking]) {
      canvas.width = width * TEXT_COLUMNS;
      canvas.height = this.#height * TEXT_ROWS;
    }
    this.#glyphs.clear();
    this.#atlas.canvas.width = width * PER_ROW;
    this.#atlas.canvas.height = this.#height * 4;
    const last = this.#drawn;
    this.#drawn = undefined;
    if (last !== undefined) this.draw(last);
  }

  draw(screen: TextScreen): void {
    const before = this.#drawn;
    this.#drawn = screen;
    if (this.#width === 0) return;
    for (let row = 0, cell = 0; row < TEXT_ROWS; row++) {
      const line = screen.lines[row]!;
      const old = before?.lines[row];
      for (let column = 0; column < TEXT_COLUMNS; column++, cell++) {
        const attribute = screen.attributes[cell]!;
        if (line[column] === old?.[column] && attribute === before?.attributes[cell]) continue;
        this.#cell(column * this.#width, row * this.#height, line[column]!, attribute);
      }
    }
  }

  #cell(x: number, y: number, character: string, attribute: number): void {
    const width = this.#width;
    const height = this.#height;
    this.#steady.fillStyle = TEXT_COLOURS[(attribute >> 4) & 7]!;
    this.#steady.fillRect(x, y, width, height);
    this.#blinking.clearRect(x, y, width, height);
    if (character === ' ' || character === '\u00a0') return;
    const target = (attribute & BLINKS) !== 0 ? this.#blinking : this.#steady;
    const slot = this.#glyph(character, attribute & 15);
    const left = (slot % PER_ROW) * width;
    const top = Math.floor(slot / PER_ROW) * height;
    target.drawImage(this.#atlas.canvas, left, top, width, height, x, y, width, height);
  }

  /** Where a character in a colour is in the atlas. */
  #glyph(character: string, colour: number): number {
    const key = character + String.fromCharCode(colour);
    const known = this.#glyphs.get(key);
    if (known !== undefined) return known;
    const slot = this.#glyphs.size;
    this.#glyphs.set(key, slot);
    this.#grow(Math.floor(slot / PER_ROW) + 1);
    this.#drawGlyph(character, colour, (slot % PER_ROW) * this.#width, Math.floor(slot / PER_ROW) * this.#height);
    return slot;
  }

  #grow(rows: number): void {
    const { canvas } = this.#atlas;
    if (rows * this.#height <= canvas.height) return;
    const old = this.#atlas.getImageData(0, 0, canvas.width, canvas.height);
    canvas.height *= 2;
    this.#atlas.putImageData(old, 0, 0);
  }

  #drawGlyph(character: string, colour: number, x: number, y: number): void {
    const atlas = this.#atlas;
    const width = this.#width;
    const height = this.#height;
    atlas.fillStyle = TEXT_COLOURS[colour]!;
    const block = BLOCKS[character];
    if (block !== undefined) {
      const [left, top, right, bottom, dense] = block;
      const across = (half: number): number => Math.round((half * width) / 2);
      const down = (half: number): number => Math.round((half * height) / 2);
      atlas.globalAlpha = dense;
      atlas.fillRect(x + across(left), y + down(top), across(right) - across(left), down(bottom) - down(top));
      atlas.globalAlpha = 1;
      return;
    }
    atlas.save();
    atlas.beginPath();
    atlas.rect(x, y, width, height);
    atlas.clip();
    // The font's line is made as high as the cell, so that lines and corners of neighbours meet.
    atlas.font = `100px ${FONT}`;
    const {
      width: advance,
      fontBoundingBoxAscent: ascent,
      fontBoundingBoxDescent: descent,
    } = atlas.measureText(character);
    const scale = height / (ascent + descent);
    atlas.font = `${100 * scale}px ${FONT}`;
    atlas.translate(x, y + ascent * scale);
    atlas.scale(width / (advance * scale), 1);
    atlas.textBaseline = 'alphabetic';
    atlas.fillText(character, 0, 0);
    atlas.restore();
  }
}
